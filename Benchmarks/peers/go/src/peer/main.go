package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/gofrs/uuid"
)

type Feedback struct {
	ID         string `json:"id"`
	Experiment string `json:"experiment"`
	Instrument string `json:"instrument"`
	Answers    []int  `json:"answers"`
	Comment    string `json:"comment"`
	Score      int    `json:"score"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// env reads where the servers are; `make bench` sets it.
func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	mode := os.Args[1]
	n, _ := strconv.Atoi(os.Args[2])
	conn, err := amqp.Dial(env("PEER_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/"))
	must(err)
	ch, err := conn.Channel()
	must(err)
	_, err = ch.QueueDeclare("peer", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	must(err)
	switch mode {
	case "publish":
		must(ch.Confirm(false))
		start := time.Now()
		window := make(chan *amqp.DeferredConfirmation, 1000)
		done := make(chan bool)
		go func() {
			for c := range window {
				c.Wait()
			}
			done <- true
		}()
		for i := 0; i < n; i++ {
			id, _ := uuid.NewV4()
			body, _ := json.Marshal(Feedback{id.String(), "5f2b7d1e-0000-4000-8000-00000000000" + strconv.Itoa(i%10), "SUS", []int{4, 2, 5, 1, 4, 2, 5, 1, 4, 2}, "rapide et clair, mais la connexion est lente en chambre", 4})
			c, err := ch.PublishWithDeferredConfirmWithContext(context.Background(), "", "peer", true, false, amqp.Publishing{DeliveryMode: 2, MessageId: id.String(), ContentType: "application/json", Body: body})
			must(err)
			window <- c
		}
		close(window)
		<-done
		d := time.Since(start)
		fmt.Printf("go publish confirmed: %d in %v = %.0f/s\n", n, d, float64(n)/d.Seconds())
	case "chain-tx":
		chain(conn, n, false)
	case "chain-batch":
		chain(conn, n, true)
	case "tx", "batch":
		ctx := context.Background()
		pool, err := pgxpool.Connect(ctx, env("PEER_DATABASE_URL", "postgres://bench:bench@127.0.0.1/bench")+"?pool_max_conns=8")
		must(err)
		_, err = pool.Exec(ctx, `create table if not exists inbox(id uuid primary key, at timestamptz not null default now()); create table if not exists fb(id uuid primary key, experiment uuid not null, at timestamptz not null default now(), score int, payload jsonb not null); truncate inbox, fb`)
		must(err)
		must(ch.Qos(500, 0, false))
		msgs, err := ch.Consume("peer", "", false, false, false, false, nil)
		must(err)
		var cnt int64
		start := time.Now()
		var wg sync.WaitGroup
		fin := make(chan bool)
		if mode == "tx" {
			for w := 0; w < 8; w++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for {
						select {
						case m := <-msgs:
							var f Feedback
							must(json.Unmarshal(m.Body, &f))
							tx, err := pool.Begin(ctx)
							must(err)
							t, err := tx.Exec(ctx, "insert into inbox(id) values($1) on conflict do nothing", m.MessageId)
							must(err)
							if t.RowsAffected() == 1 {
								_, err = tx.Exec(ctx, "insert into fb(id,experiment,score,payload) values($1,$2,$3,$4) on conflict do nothing", f.ID, f.Experiment, f.Score, string(m.Body))
								must(err)
							}
							must(tx.Commit(ctx))
							must(m.Ack(false))
							if atomic.AddInt64(&cnt, 1) == int64(n) {
								close(fin)
							}
						case <-fin:
							return
						}
					}
				}()
			}
			wg.Wait()
		} else {
			for cnt < int64(n) {
				batch := []amqp.Delivery{<-msgs}
				for len(batch) < 500 {
					select {
					case m := <-msgs:
						batch = append(batch, m)
						continue
					case <-time.After(2 * time.Millisecond):
					}
					break
				}
				ids := make([]string, len(batch))
				exps := make([]string, len(batch))
				scores := make([]int32, len(batch))
				bodies := make([]string, len(batch))
				for i, m := range batch {
					var f Feedback
					must(json.Unmarshal(m.Body, &f))
					ids[i] = f.ID
					exps[i] = f.Experiment
					scores[i] = int32(f.Score)
					bodies[i] = string(m.Body)
				}
				_, err := pool.Exec(ctx, `with f as (insert into inbox(id) select unnest($1::uuid[]) on conflict do nothing returning id)
 insert into fb(id,experiment,score,payload) select v.id,v.e,v.s,v.p from unnest($1::uuid[],$2::uuid[],$3::int[],$4::jsonb[]) v(id,e,s,p) join f on f.id=v.id on conflict do nothing`, ids, exps, scores, bodies)
				must(err)
				must(batch[len(batch)-1].Ack(true))
				cnt += int64(len(batch))
			}
		}
		d := time.Since(start)
		fmt.Printf("go consume %s: %d in %v = %.0f/s\n", mode, n, d, float64(n)/d.Seconds())
		time.Sleep(200 * time.Millisecond)
	}
}
