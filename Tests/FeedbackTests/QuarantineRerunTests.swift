import ArgumentParser
import Events
import FeedbackDomain
import Foundation
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("What was refused by our mistake") struct QuarantineRerunTests {
    private func store(_ lab: IntakeLab) -> QuarantineStore { QuarantineStore(intake: lab.intake) }

    private func order(isRehearsal: Bool = false) -> RerunOrder {
        RerunOrder(run: EventID.next(), requestedBy: "C. Martin", why: "mended", isRehearsal: isRehearsal)
    }

    /// As the command does it.
    private func rerun(
        _ lab: IntakeLab, _ choice: QuarantineChoice = .init(publisher: IntakeLab.publisher), isRehearsal: Bool = false
    ) async throws -> [RerunOutcome.End] {
        let positions = try await store(lab).candidates(choice, after: 0, limit: 50)
        return try await store(lab).rerun(positions, of: choice.publisher, order(isRehearsal: isRehearsal)).map(\.end)
    }

    /// Refuses a message as a program with a fault would.
    private func misjudge(_ lab: IntakeLab, _ event: OutsideEvent, isIdentified: Bool = true) async throws {
        let body = event.body
        let hash = IntakeLab.reader.contentKey.hash(body, of: .event)
        let identity =
            isIdentified
            ? EventIdentity(publisher: IntakeLab.publisher, source: event.source, id: event.id)
            : EventIdentity(publisher: IntakeLab.publisher, source: "", id: "bytes:\(hash.hexadecimal)")
        let refusal = Refusal(.unsupportedType, at: "/type", mend: "another type")
        let message = InboundMessage(
            identity: identity, isIdentified: isIdentified, content: .failure(refusal), contentHash: hash, body: body,
            clockAt: lab.service.clock.now())
        #expect(try await lab.intake.settle([message]).refused == 1)
    }

    @Test func whatMadeTheDatabaseFailIsTakenInOnceThatIsMended() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.poisonTheDatabase()
            var poison = lab.event("poison")
            poison.comment = "poison"
            let message = lab.message(poison.body)
            _ = try await lab.intake.settle([message.poisoned])
            #expect(try await lab.receipt(of: "poison").reason == "internal-error")
            // when: it is not mended
            #expect(try await rerun(lab) == [.failed])
            // when: it is, and somebody only asks
            try await lab.service.pool.query("drop trigger refuse_poison on response_values")
            let before = try await lab.fingerprint()
            #expect(try await rerun(lab, isRehearsal: true) == [.accepted])
            // then
            #expect(try await lab.fingerprint() == before)
            #expect(try await lab.count("quarantine_reruns") == 0)
            // when
            #expect(try await rerun(lab) == [.accepted])
            // then
            #expect(try await lab.receipts().map(\.outcome) == [.refused, .accepted])
            #expect(try await lab.count("quarantine") == 0)
            let log = try await lab.service.pool.query("select why, requested_by, outcomes from quarantine_reruns")
            #expect(try log.map { try $0.get("outcomes", as: [String].self) } == [["accepted"]])
            #expect(try log[0].get("requested_by", as: String.self) == "C. Martin")
            // when: once more, by the command and by the publisher
            #expect(try await rerun(lab) == [])
            #expect(try await lab.settle(poison).duplicates == 1)
        }
    }

    @Test(arguments: [true, false])
    func whatAFaultOfTheReaderRefusedIsReadAnewAndKnownWhenItIsSentAgain(isIdentified: Bool) async throws {
        try await IntakeLab.with { lab in
            // given
            try await misjudge(lab, lab.event("a"), isIdentified: isIdentified)
            // when
            #expect(try await rerun(lab) == [.accepted])
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.count("quarantine") == 0)
            #expect(try await lab.settle(lab.event("a")).duplicates == 1)
        }
    }

    @Test func whatWasSentAgainMeanwhileIsNotCountedTwice() async throws {
        try await IntakeLab.with { lab in
            // given: without a name then, and with one now
            try await misjudge(lab, lab.event("a"), isIdentified: false)
            try await lab.settle(lab.event("a"))
            // when
            #expect(try await rerun(lab) == [.duplicate])
            // then
            #expect(try await lab.count("responses") == 1)
            #expect(try await lab.count("quarantine") == 0)
        }
    }

    @Test func whatStaysRefusedIsToldToNobody() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.settle(lab.event("early", day: 2))
            _ = try await lab.intake.settle([lab.message(Array("nonsense".utf8))])
            let before = (try await lab.receipts().count, try await lab.fingerprint())
            // when
            #expect(try await rerun(lab) == [.unchanged, .unchanged])
            // then
            #expect(try await lab.receipts().count == before.0)
            #expect(try await lab.fingerprint() == before.1)
        }
    }

    @Test func onlyWhatIsChosenAndCanBeJudgedAgainIs() async throws {
        try await IntakeLab.with { lab in
            // given
            var conflict = lab.event("a")
            conflict.comment = "other"
            try await lab.settle(lab.event("a"), conflict, lab.event("early", participant: 1, day: 2))
            let tooLong = Array(repeating: UInt8(ascii: "x"), count: 70_000)
            _ = try await lab.intake.settle([lab.message(tooLong)])
            try await misjudge(lab, lab.event("b", participant: 2))
            // when, then
            let publisher = IntakeLab.publisher
            let all = try await store(lab).candidates(.init(publisher: publisher), after: 0, limit: 50)
            #expect(all.count == 2)
            let one = try await store(lab).candidates(
                .init(publisher: publisher, reasons: ["unsupported-type"]), after: 0, limit: 50)
            #expect(one == Array(all.suffix(1)))
            let chosen = try await store(lab).candidates(
                .init(publisher: publisher, positions: Array(all.prefix(1))), after: 0, limit: 50)
            #expect(chosen == Array(all.prefix(1)))
            #expect(try await store(lab).candidates(.init(publisher: "surveys"), after: 0, limit: 50) == [])
            // The positions of another publisher are nobody's.
            let others = try await store(lab).rerun(all, of: "surveys", order())
            #expect(others.map(\.end) == [.gone, .gone])
        }
    }

    @Test func theOneThatFailsIsFoundAndTheOthersAreTakenIn() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.poisonTheDatabase()
            for number in 0..<5 {
                var event = lab.event("e\(number)", participant: number)
                if number == 3 { event.comment = "poison" }
                try await misjudge(lab, event)
            }
            // when, then
            #expect(try await rerun(lab) == [.accepted, .accepted, .accepted, .failed, .accepted])
            #expect(try await lab.count("quarantine") == 1)
        }
    }

    @Test func theCommandRefusesWhatItCannotDo() {
        let arguments = ["rerun", "--publisher", "telesuivi"]
        for wrong in [
            [], ["--why", ""], ["--why", "w", "--reason", "malformed-headers"], ["--why", "w", "--rate", "0"],
        ] {
            #expect(throws: (any Error).self) { try QuarantineCommand.parseAsRoot(arguments + wrong) }
        }
        #expect(throws: Never.self) {
            try QuarantineCommand.parseAsRoot(arguments + ["--why", "w", "--reason", "internal-error", "--id", "3"])
        }
    }
}
