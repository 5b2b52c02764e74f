import Testing

import struct FoundationEssentials.Date

@testable import ApplicationsDomain

struct SubmissionTests {
    @Test func aDepositHasAReceiptOfItsContent() throws {
        // given
        let call = try Controls.call()
        var application = try Controls.draft(call)
        // when
        try application.obey(try Controls.submit(call), at: Controls.duringCall)
        // then
        let deposit = try #require(application.deposit)
        #expect(application.state == .submitted && application.version == 2)
        #expect(deposit.number == 1 && deposit.submittedAt == Controls.duringCall)
        #expect(deposit.content.contact == nil && application.content.contact != nil)
        #expect(deposit.receipt == Controls.digest(deposit.canonical))
    }

    @Test(arguments: [
        (Controls.opensAt.addingTimeInterval(-0.001), "call-not-open" as String?), (Controls.opensAt, nil),
        (Controls.deadline, nil), (Controls.graceUntil.addingTimeInterval(-0.001), nil),
        (Controls.graceUntil, "call-closed"),
    ])
    func depositsAreTakenFromOpeningToTechnicalClosing(_ instant: Date, _ slug: String?) throws {
        let call = try Controls.call()
        let application = try Controls.draft(call)
        #expect(refusal { _ = try application.decide(try Controls.submit(call), at: instant) }?.slug == slug)
    }

    @Test func anIncompleteDraftIsRefusedWithItsFindings() throws {
        // given
        let call = try Controls.call()
        var content = Controls.content()
        content.lead?.siren = "200034582"
        let application = try Controls.draft(call, content: content)
        // when
        let error = #expect(throws: ApplicationsError.self) {
            try application.decide(try Controls.submit(call, content), at: Controls.duringCall)
        }
        // then
        guard case .incomplete(let findings) = error else {
            Issue.record("refused for another reason")
            return
        }
        #expect(findings.map(\.slug) == ["siren-invalid"])
        #expect(error?.explanation.field == "/lead/siren")
    }

    @Test func warningsDoNotKeepFromSubmitting() throws {
        let call = try Controls.call()
        var content = Controls.content()
        content.experiments = []
        content.requestedCents = 140_000_000
        var application = try Controls.draft(call, content: content)
        try application.obey(try Controls.submit(call, content), at: Controls.duringCall)
        #expect(application.state == .submitted)
    }

    @Test func theLastDepositCounts() throws {
        // given
        let call = try Controls.call()
        var application = try Controls.application(.submitted, in: call)
        let first = try #require(application.deposit)
        // when
        var content = Controls.content()
        content.requestedCents = 70_000_000
        try application.obey(.revise(ReviseDraft(content: content, call: call)), at: Controls.deadline)
        // then
        #expect(application.state == .submitted && application.deposit == first)
        #expect(application.hasUndepositedChanges)
        // when
        try application.obey(try Controls.submit(call, content), at: Controls.deadline)
        // then
        #expect(application.deposit?.number == 2 && application.deposit?.content.requestedCents == 70_000_000)
        #expect(application.deposit?.receipt != first.receipt)
        #expect(application.version == 4)
    }

    @Test func theSameContentIsNotDepositedTwice() throws {
        let call = try Controls.call()
        var application = try Controls.application(.submitted, in: call)
        var content = Controls.content()
        content.contact?.name = "Autre"
        try application.obey(.revise(ReviseDraft(content: content, call: call)), at: Controls.duringCall)
        #expect(
            refusal { _ = try application.decide(try Controls.submit(call), at: Controls.duringCall) }?.slug
                == "already-submitted")
    }

    @Test func nothingIsChangedAfterTheClosing() throws {
        let call = try Controls.call()
        for state in [ApplicationState.draft, .submitted] {
            let application = try Controls.application(state, in: call)
            let command = ApplicationCommand.revise(ReviseDraft(content: Controls.content(), call: call))
            #expect(refusal { _ = try application.decide(command, at: call.graceUntil) }?.slug == "call-closed")
        }
        #expect(
            refusal {
                _ = try Application.draft(
                    Controls.content(), id: call.id, call: call, owner: Controls.owner, at: call.graceUntil)
            }?.slug == "call-closed")
    }

    @Test func anEligibleApplicationIsNotRevised() throws {
        let call = try Controls.call()
        let application = try Controls.application(.eligible, in: call)
        let command = ApplicationCommand.revise(ReviseDraft(content: Controls.content(), call: call))
        #expect(refusal { _ = try application.decide(command, at: Controls.duringCall) }?.slug == "wrong-state")
    }
}
