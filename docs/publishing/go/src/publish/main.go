// Publishes the event on standard input over AMQP and prints its receipt. PUBLISHER_URL=amqps://user:password@host/outside
package main

import ("context"; "encoding/json"; "fmt"; "io"; "log"; "net/url"; "os"; "strings"; amqp "github.com/rabbitmq/amqp091-go")

type receipts struct{ Data struct{ Receipts []map[string]any } }

func must[T any](value T, err error) T { if err != nil { log.Fatal(err) }; return value }

func main() {
	body, address := must(io.ReadAll(os.Stdin)), must(url.Parse(os.Getenv("PUBLISHER_URL")))
	publisher := strings.Split(address.User.Username(), ".")[0]
	connection := must(amqp.Dial(address.String())); defer connection.Close()
	channel := must(connection.Channel())
	if err := channel.Confirm(false); err != nil { log.Fatal(err) }
	came := must(channel.Consume("feedback.receipts."+publisher, "", true, false, false, false, nil))
	sent := must(channel.PublishWithDeferredConfirmWithContext(context.Background(), "feedback.in."+publisher, "", true, false,
		amqp.Publishing{ContentType: "application/cloudevents+json", DeliveryMode: amqp.Persistent, Body: body}))
	if !sent.Wait() { log.Fatal("the queue is full: publish again later, with the same id") }
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil { log.Fatal(err) }
	for message := range came {
		var batch receipts
		if err := json.Unmarshal(message.Body, &batch); err != nil { log.Fatal(err) }
		for _, receipt := range batch.Data.Receipts {
			if receipt["id"] == event["id"] { fmt.Println(string(must(json.Marshal(receipt)))); return }
		}
	}
}
