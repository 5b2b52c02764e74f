import Events
import FoundationEssentials

/// Bodies of feedback's events without the values of responses that were taken back. The items stay: they tell that
/// there was a response, and prove nothing without their salts.
enum ErasedResponses {
    /// Of the events that tell values.
    static let types = [ResponsesRecorded.type, ResponseAmended.type]

    /// - Returns: nil for a body that cannot be read.
    static func body(_ body: [UInt8], without responses: Set<UUID>) -> [UInt8]? {
        do {
            var envelope = try EventEnvelope(decoding: body)
            if envelope.type == ResponsesRecorded.type {
                var recorded = try WireCoding.decode(ResponsesRecorded.self, from: envelope.data)
                let left = (recorded.personal ?? []).filter { !responses.contains($0.response) }
                guard left.count < recorded.personal?.count ?? 0 else { return body }
                recorded.personal = left.isEmpty ? nil : left
                envelope.data = try WireCoding.encode(recorded)
            } else {
                var amended = try WireCoding.decode(ResponseAmended.self, from: envelope.data)
                guard let values = amended.personal, responses.contains(values.response) else { return body }
                amended.personal = nil
                envelope.data = try WireCoding.encode(amended)
            }
            return envelope.encoded()
        } catch {
            return nil
        }
    }
}
