import ServiceRuntime

/// What an operator may set for this service alone.
enum FeedbackSettings {
    static let batch = SettingKey(
        "feedback.batch", .count(1...5000), default: "1000", unit: "messages",
        about: "messages of one publisher taken in by one transaction")
    static let queueBytesTotal = SettingKey(
        "feedback.queue-bytes-total", .count(65_536...1_099_511_627_776), default: "2147483648", unit: "bytes",
        about: "what the queues of all publishers together may hold; stay under a quarter of the broker's marks")
    static let requestCount = SettingKey(
        "feedback.requests", .count(1...100), default: "4", unit: "requests",
        about: "requests to POST /v1/events of one publisher that this process serves at once")
    static let receiptCount = SettingKey(
        "feedback.receipts", .count(100...1_000_000), default: "20000", unit: "messages",
        about: "receipts kept for a publisher before the oldest go; a policy, set by topology apply")
    static let contentKey = SettingKey(
        "feedback.content-key", .secret(bytes: 32...512),
        about: "with which the hashes are made that tell contents apart; it never changes", isSecret: true)

    static let importBatch = SettingKey(
        "feedback.import-batch", .count(1...1000), default: "500", unit: "lines",
        about: "lines of one file taken in by one transaction")

    static let all = [
        SettingKey.brokerOutsideURL, .brokerOutsideAdminURL, .brokerOutsideManagementURL, .brokerOutsideCAFile,
        .brokerOutsideCertificateFile, .brokerOutsideKeyFile, batch, queueBytesTotal, requestCount, receiptCount,
        contentKey, importBatch,
    ]
}
