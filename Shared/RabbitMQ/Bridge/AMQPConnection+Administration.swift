import CRabbitMQ

/// Questions about queues and exchanges. All block.
extension AMQPConnection {
    func declareExchange(_ name: String, type: String, arguments: [(String, HeaderValue)]) throws(RabbitMQError) {
        try withTexts([name, type], arguments) { (texts, table) throws(RabbitMQError) in
            try ask("declaring") {
                amqp_exchange_declare($0, Self.channel, texts[0], texts[1], 0, 1, 0, 0, table)
            }
        }
    }

    /// - Returns: how many messages are ready.
    func declareQueue(
        _ name: String, arguments: [(String, HeaderValue)], onlyIfItExists: Bool = false
    ) throws(RabbitMQError) -> Int {
        try withTexts([name], arguments) { (texts, table) throws(RabbitMQError) in
            var count = 0
            try ask("declaring") {
                let answer = amqp_queue_declare($0, Self.channel, texts[0], onlyIfItExists ? 1 : 0, 1, 0, 0, table)
                count = Int(answer?.pointee.message_count ?? 0)
            }
            return count
        }
    }

    func bind(queue: String, exchange: String, routingKey: String) throws(RabbitMQError) {
        try withTexts([queue, exchange, routingKey]) { (texts, _) throws(RabbitMQError) in
            try ask("binding") {
                amqp_queue_bind($0, Self.channel, texts[0], texts[1], texts[2], amqp_empty_table)
            }
        }
    }

    func deleteQueue(_ name: String) throws(RabbitMQError) {
        try withTexts([name]) { (texts, _) throws(RabbitMQError) in
            try ask("deleting") { amqp_queue_delete($0, Self.channel, texts[0], 0, 0) }
        }
    }

    func deleteExchange(_ name: String) throws(RabbitMQError) {
        try withTexts([name]) { (texts, _) throws(RabbitMQError) in
            try ask("deleting") { amqp_exchange_delete($0, Self.channel, texts[0], 0) }
        }
    }

    func purge(_ queue: String) throws(RabbitMQError) {
        try withTexts([queue]) { (texts, _) throws(RabbitMQError) in
            try ask("purging") { amqp_queue_purge($0, Self.channel, texts[0]) }
        }
    }

    /// Takes the first message off the queue, unless it is empty.
    func get(_ queue: String) throws(RabbitMQError) -> (delivery: Delivery, body: [UInt8])? {
        try withTexts([queue]) { (texts, _) throws(RabbitMQError) in
            var method = amqp_method_t()
            try ask("getting") { method = amqp_basic_get($0, Self.channel, texts[0], 1).reply }
            guard Int(method.id) == MaillageBasicGetOk else { return nil }
            let answer = method.decoded.assumingMemoryBound(to: amqp_basic_get_ok_t.self).pointee
            var reader = FrameReader()
            reader.expectMessage(answer)
            let deadline = Moment.now() + operationTimeout
            while reader.content.count == 0 {
                if try reader.next(from: self) != nil { continue }
                guard socket.waitUntilReadable(until: deadline) else {
                    throw RabbitMQError(.deadlineExceeded, "the message did not come in time")
                }
            }
            return (reader.content.deliveries[0], reader.content.bytes)
        }
    }
}
