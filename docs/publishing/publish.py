"""Publishes the event on standard input over AMQP and prints its receipt. PUBLISHER_URL=amqps://user:password@host/outside"""
import json
import os
import sys

import pika

event = json.load(sys.stdin)
parameters = pika.URLParameters(os.environ["PUBLISHER_URL"])
publisher = parameters.credentials.username.split(".")[0]
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()  # an exception unless the broker has it on disk; then publish again, with the same id
channel.basic_publish(f"feedback.in.{publisher}", "", json.dumps(event).encode(), mandatory=True,
                      properties=pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2))
for method, _, body in channel.consume(f"feedback.receipts.{publisher}", inactivity_timeout=30):
    if body is None:
        sys.exit("no receipt within 30 s: ask GET /v1/receipts, or publish again with the same id")
    receipts = json.loads(body)["data"]["receipts"]
    channel.basic_ack(method.delivery_tag)
    for receipt in receipts:
        if receipt["id"] == event["id"]:
            print(json.dumps(receipt))
            connection.close()
            sys.exit(receipt["outcome"] == "refused")
