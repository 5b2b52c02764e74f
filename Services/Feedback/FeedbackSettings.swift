import Events
import ServiceRuntime

/// What an operator may set for this service alone.
enum FeedbackSettings {
    static let publishers = SettingKey(
        "feedback.publishers", .text(bytesMax: 4096),
        about: "outside publishers that are listened to, separated by commas; each 2 to 40 of a-z, 0-9 and -")
    static let batch = SettingKey(
        "feedback.batch", .count(1...1000), default: "500", unit: "messages",
        about: "messages of one publisher taken in by one transaction")
    static let intakeBytes = SettingKey(
        "feedback.intake-bytes", .count(65_536...10_737_418_240), default: "67108864", unit: "bytes",
        about: "what a publisher's queue takes before it refuses; a policy, set by topology apply")
    static let receiptCount = SettingKey(
        "feedback.receipts", .count(100...1_000_000), default: "20000", unit: "messages",
        about: "receipts kept for a publisher before the oldest go; a policy, set by topology apply")

    static let all = [
        SettingKey.brokerOutsideURL, .brokerOutsideAdminURL, .brokerOutsideManagementURL, .brokerOutsideCAFile,
        .brokerOutsideCertificateFile, .brokerOutsideKeyFile, publishers, batch, intakeBytes, receiptCount,
    ]

    /// Names become parts of queue names and of broker permissions, so nothing else may be in them.
    static func publisherNames(_ settings: Settings) throws(SettingsError) -> [String] {
        guard let text = settings.optionalText(publishers) else { return [] }
        var names: [String] = []
        for part in text.split(separator: ",") {
            let name = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            names.append(String(name))
        }
        let wrong = names.filter { FeedbackSubmission.publisher(ofQueue: FeedbackSubmission.queue(of: $0)) == nil }
        guard wrong.isEmpty, Set(names).count == names.count else {
            throw SettingsError(
                violations: [
                    .init(
                        key: publishers.environmentName, value: text,
                        problem: "allowed: different names of 2 to 40 of a-z, 0-9 and -, separated by commas")
                ])
        }
        return names
    }
}
