/// The number of one establishment of a legal entity: the entity's SIREN and five digits more, with a Luhn sum over all
/// fourteen and over the first nine.
///
/// La Poste has more establishments than Luhn leaves numbers for: the digits of theirs add up to a multiple of five
/// instead. INSEE's own library takes either sum for them (domain source 80); another one takes Luhn for the head
/// office alone (81). Here it is INSEE's rule: who refuses a number that exists cannot publish a grant.
package struct SIRET: Hashable, Sendable, CustomStringConvertible {
    package let digits: String
    /// The legal entity whose establishment it is.
    package let siren: SIREN

    private static let laPoste = "356000000"

    /// nil unless `text` is fourteen ASCII digits that begin with a SIREN and whose own sum is right.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 14, bytes.allSatisfy({ (0x30...0x39).contains($0) }),
            let siren = SIREN(String(decoding: bytes[..<9], as: UTF8.self))
        else { return nil }
        let passesLuhn = SIREN.luhnSum(bytes).isMultiple(of: 10)
        let digitSum = bytes.reduce(0) { $0 + Int($1) - 0x30 }
        guard passesLuhn || (siren.digits == Self.laPoste && digitSum.isMultiple(of: 5)) else { return nil }
        digits = text
        self.siren = siren
    }

    package var description: String { digits }
}
