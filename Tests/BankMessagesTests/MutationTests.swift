import BankMessages
import Testing

/// 20,000 seeded mutations of valid messages: each is read or refused with an error of ours, and what is
/// read keeps the promises of its type. The reader runs in this process, so a crash of it is one of the tests.
@Suite struct MutationTests {
    private static let count = 20_000
    private static let parts = 8

    @Test(arguments: 0..<parts)
    func mutatedMessagesAreReadOrRefusedAndNeverCrash(part: Int) throws {
        var random = SeededGenerator(seed: 0x4D75_7461_7465_0000 + UInt64(part))
        let seeds = try Controls.readable.map(Controls.golden)
        var readCount = 0
        for number in 0..<(Self.count / Self.parts) {
            // given
            let index = Int.random(in: 0..<seeds.count, using: &random)
            let bytes = Self.mutated(seeds[index], others: seeds, &random)
            // when
            let outcome = Self.outcome(of: bytes, isReport: index < 2)
            // then
            if number.isMultiple(of: 20) { #expect(outcome == Self.outcome(of: bytes, isReport: index < 2)) }
            switch outcome {
            case .refused(let text): #expect(!text.contains(Controls.bankIBAN.dropFirst(4)), "\(text)")
            case .report(let report):
                readCount += 1
                Self.check(report)
            case .notification(let notification):
                readCount += 1
                Self.check(notification)
            }
        }
        // Some must pass, or only the parser is tested; most must not.
        #expect((100..<1_900).contains(readCount), "\(readCount)")
    }

    private enum Outcome: Equatable {
        case report(PaymentStatusReport)
        case notification(DebitCreditNotification)
        case refused(String)
    }

    private static func outcome(of bytes: [UInt8], isReport: Bool) -> Outcome {
        do throws(BankMessagesError) {
            return isReport
                ? .report(try PaymentStatusReport(reading: bytes))
                : .notification(try DebitCreditNotification(reading: bytes))
        } catch {
            return .refused("\(error.slug) \(error)")
        }
    }

    private static func check(_ report: PaymentStatusReport) {
        let ids = [report.messageID, report.originalMessageID] + report.transactions.map(\.originalEndToEndID)
        #expect(ids.allSatisfy { (1...35).contains($0.unicodeScalars.count) && !$0.contains("\n") })
        #expect(report.transactions.allSatisfy { ($0.amountCents ?? 0) >= 0 && (1...4).contains($0.status.code.count) })
    }

    private static func check(_ notification: DebitCreditNotification) {
        #expect(!notification.accounts.isEmpty)
        for account in notification.accounts {
            #expect([Controls.bankIBAN, Controls.germanIBAN].contains(account.accountIBAN))
            #expect(account.entries.allSatisfy { $0.amountCents >= 0 })
            #expect(account.entries.allSatisfy { $0.status != .booked || $0.bookingDay != nil })
        }
    }

    // MARK: Mutations

    /// What parsers and readers trip over.
    private static let tokens = [
        "<", ">", "/>", "</", "&", "&lt;", "&#0;", "&#x110000;", "&#55296;", "&a;", "<!DOCTYPE a [<!ENTITY a 'b'>]>",
        "<!--", "-->", "--", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<?a", "?>", "xmlns=''", "xmlns:a='b'",
        " Ccy='EUR'", " Ccy=''", "\"", "'", "\u{0}", "\u{FEFF}", "\u{FFFF}", "\u{10FFFF}", "é", "e\u{301}", "-1",
        "1.999",
        "99999999999999999999", "<Ntry>", "</Ntry>", "<TxInfAndSts>", "<Amt Ccy='EUR'>1</Amt>", "<MsgId>1</MsgId>",
        "\n", "\t", "<a:b/>", "<a xmlns:a='x' a:b='' b=''/>",
    ].map { Array($0.utf8) }

    private static func mutated(_ seed: [UInt8], others: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let length = Int.random(in: 0...min(64, bytes.count - place), using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(place..<(place + length))
            case 3: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
            case 4: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: place)
            case 5:
                bytes.replaceSubrange(
                    place..<(place + length), with: tokens.randomElement(using: &random) ?? [])
            case 6:
                let other = others.randomElement(using: &random) ?? []
                let start = Int.random(in: 0..<other.count, using: &random)
                bytes.replaceSubrange(place..<(place + length), with: other[start...].prefix(length))
            default:
                // Rarely: most of what is cut off is no document, and tells little.
                if Int.random(in: 0..<8, using: &random) == 0 {
                    bytes.removeSubrange(place...)
                } else {
                    Self.changeDigit(of: &bytes, from: place)
                }
            }
        }
        return bytes
    }

    /// Leaves the document well-formed, for the reader behind the parser.
    private static func changeDigit(of bytes: inout [UInt8], from place: Int) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let index = bytes[place...].firstIndex(where: digits.contains) else { return }
        bytes[index] = bytes[index] == UInt8(ascii: "9") ? UInt8(ascii: ".") : bytes[index] + 1
    }
}
