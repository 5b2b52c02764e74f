import Crypto
import FeedbackDomain
import FoundationEssentials

extension EventIdentity {
    /// What the tables name the event by: the first 16 bytes of a SHA-256 over its parts, as the function
    /// `identity_key` of the schema makes it.
    var key: UUID {
        var name: [UInt8] = []
        name.reserveCapacity(publisher.utf8.count + source.utf8.count + id.utf8.count + 2)
        name.append(contentsOf: publisher.utf8)
        name.append(UInt8(ascii: "\n"))
        name.append(contentsOf: source.utf8)
        name.append(UInt8(ascii: "\n"))
        name.append(contentsOf: id.utf8)
        return SHA256.hash(data: name).withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
