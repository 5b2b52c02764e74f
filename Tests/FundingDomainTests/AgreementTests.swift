import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.UUID

@Suite struct Agreements {
    @Test func draftHasTheThreeTranchesOfTheStandardSchedule() throws {
        // when
        let agreement = try Agreement.draft(id: UUID(), of: Controls.grant(100_000_001), nextID: UUID.init)
        // then
        #expect(agreement.state == .draft)
        #expect(agreement.tranches.map(\.number) == [1, 2, 3])
        #expect(agreement.tranches.map(\.amountCents) == [30_000_000, 50_000_000, 20_000_001])
        #expect(
            agreement.tranches.map(\.conditions) == [
                [.agreementSigned, .siteOpened], [.milestoneReached], [.experimentCompleted],
            ])
        #expect(agreement.tranches.allSatisfy { $0.state == .planned })
    }

    @Test func tenThousandRandomGrantsAreSplitToTheCent() throws {
        var random = SeededGenerator(seed: 42)
        for _ in 0..<10_000 {
            // given: a random schedule of 1 to 12 shares that make the whole
            let cuts = (0..<Int.random(in: 0...11, using: &random)).map { _ in Int.random(in: 1...9999, using: &random)
            }
            let edges = [0] + Set(cuts).sorted() + [10_000]
            let shares = zip(edges, edges.dropFirst()).compactMap { low, high in
                BasisPoints(high - low).map { TrancheSchedule.Share(share: $0, conditions: [.milestoneReached]) }
            }
            let schedule = try TrancheSchedule(shares)
            let grant = Int64(random.next() >> UInt64.random(in: 1...60, using: &random))
            for schedule in [schedule, .standard] {
                // when
                let amounts = schedule.amounts(of: grant)
                // then
                #expect(amounts.reduce(0, +) == grant)
                #expect(amounts.allSatisfy { $0 >= 0 })
            }
        }
    }

    @Test func scheduleMustMakeTheWholeGrantAndEachShareHaveACondition() throws {
        let half = try #require(BasisPoints(5000))
        let refused: [([TrancheSchedule.Share], String)] = [
            ([], "/schedule"), ([.init(share: half, conditions: [.siteOpened])], "/schedule"),
            (
                [.init(share: half, conditions: [.siteOpened]), .init(share: half, conditions: [])],
                "/schedule/1/conditions"
            ),
        ]
        for (shares, field) in refused {
            let refusal = #expect(throws: FundingError.self) { try TrancheSchedule(shares) }
            #expect(refusal?.field == field)
        }
        #expect(TrancheSchedule.standard.shares.map(\.share.value) == [3000, 5000, 2000])
    }

    @Test func anExperimentIsAgreedOnByWhatOneExperimentCanMeet() throws {
        let grant = Controls.grant(purpose: .experiments)
        let agreement = try Agreement.draft(id: UUID(), of: grant, nextID: UUID.init)
        #expect(agreement.experiment == grant.experiment)
        #expect(agreement.tranches[0].conditions == [.agreementSigned, .experimentStarted])
        let whole = try #require(BasisPoints(10_000))
        for text in ["site-opened", "experiment-started:2", "site-report-accepted"] {
            let schedule = try TrancheSchedule([.init(share: whole, conditions: [try #require(ReleaseCondition(text))])]
            )
            let refusal = #expect(throws: FundingError.self) {
                try Agreement.draft(id: UUID(), of: grant, as: AgreementPlan(schedule: schedule), nextID: UUID.init)
            }
            #expect(refusal?.field == "/schedule/0/conditions/0", "\(text)")
        }
    }

    @Test func onlyAReservedGrantOfSomeSizeIsAgreedOn() {
        #expect(throws: FundingError.grantNotReserved) {
            try Agreement.draft(id: UUID(), of: Controls.grant(0, state: .refused), nextID: UUID.init)
        }
        #expect(throws: FundingError.grantTooSmall) {
            try Agreement.draft(id: UUID(), of: Controls.grant(3), nextID: UUID.init)
        }
    }

    @Test func signatureOfBothSidesBindsTheWholeGrantOnce() throws {
        // given
        var agreement = try Agreement.draft(id: UUID(), of: Controls.grant(), nextID: UUID.init)
        // when
        let transfer = try agreement.sign(by: Controls.signatories, on: Controls.now, at: Controls.now)
        // then
        #expect(transfer.reason == .commit)
        #expect(transfer.cents == 100_000_000)
        #expect(agreement.state == .signed)
        #expect(agreement.tranches.allSatisfy { $0.state == .opened })
        #expect(throws: FundingError.agreementSigned) {
            try agreement.sign(by: Controls.signatories, on: Controls.now, at: Controls.now)
        }
    }

    @Test(arguments: SignatorySide.allCases)
    func signatureOfOneSideAloneIsRefused(missing: SignatorySide) throws {
        var agreement = try Agreement.draft(id: UUID(), of: Controls.grant(), nextID: UUID.init)
        let others = Controls.signatories.filter { $0.side != missing }
        #expect(throws: FundingError.sideMissing(missing)) {
            try agreement.sign(by: others, on: Controls.now, at: Controls.now)
        }
        #expect(agreement.state == .draft)
    }

    @Test func signatureInTheFutureAndUnreadableNamesAreRefused() throws {
        var agreement = try Agreement.draft(id: UUID(), of: Controls.grant(), nextID: UUID.init)
        let tomorrow = Controls.now.addingTimeInterval(86_400)
        let future = #expect(throws: FundingError.self) {
            try agreement.sign(by: Controls.signatories, on: tomorrow, at: Controls.now)
        }
        #expect(future?.field == "/signedOn")
        for name in ["", "  ", "a\nb", "a\0", String(repeating: "x", count: 201)] {
            let signatories = [Controls.signatories[0], Signatory(side: .beneficiary, name: name, role: "r")]
            let refusal = #expect(throws: FundingError.self) {
                try agreement.sign(by: signatories, on: Controls.now, at: Controls.now)
            }
            #expect(refusal?.field == "/signatories/1/name")
        }
    }
}

@Suite struct Tranches {
    @Test func everyOrderOfEvidenceReleasesOnceAndOnlyWhenAllIsThere() throws {
        for order in permutations(
            [.agreementSigned, .siteOpened, .milestoneReached, .experimentCompleted] as [EvidenceOf])
        {
            // given
            var tranches = try Controls.signedAgreement().tranches
            var evidence = RecordedEvidence.none
            var released: [Int: EvidenceOf] = [:]
            for condition in order {
                // when
                evidence = evidence + .of(condition)
                for index in tranches.indices {
                    guard let transfer = tranches[index].release(on: evidence) else { continue }
                    // then
                    #expect(released.updateValue(condition, forKey: tranches[index].number) == nil)
                    #expect(transfer.cents == tranches[index].amountCents)
                    #expect(tranches[index].missing(from: evidence).isEmpty)
                }
            }
            #expect(released[2] == .milestoneReached)
            #expect(released[3] == .experimentCompleted)
            #expect(released[1] == order.last { $0 == .agreementSigned || $0 == .siteOpened })
            #expect(tranches.allSatisfy { $0.state == .released })
        }
    }

    @Test func trancheOfADraftIsNotReleased() throws {
        var tranche = try Agreement.draft(id: UUID(), of: Controls.grant(), nextID: UUID.init).tranches[1]
        #expect(tranche.release(on: .of(.milestoneReached)) == nil)
        #expect(tranche.state == .planned)
    }

    @Test func whatIsMissingIsNamedInTheTranchesOrder() throws {
        let tranche = try Controls.signedAgreement().tranches[0]
        #expect(tranche.missing(from: .none) == [.agreementSigned, .siteOpened])
        #expect(tranche.missing(from: .of(.agreementSigned)) == [.siteOpened])
    }
}

@Suite struct ExperimentCofundings {
    @Test func requestIsServedByTheRulesForTheAgreementsOwnLeadOnly() throws {
        // given
        let agreement = try Controls.signedAgreement()
        func request(siren: String, call: UUID) -> CofundingRequest {
            CofundingRequest(
                experiment: UUID(), agreement: agreement.id, application: agreement.application, call: call,
                siren: siren, budgetCents: 80_000_000, requestedCents: 50_000_000, requestedAt: Controls.now)
        }
        let rules = [try Controls.ruleSet()]
        let own = request(siren: agreement.consortium.lead.siren, call: agreement.call)
        // when
        let step = own.step(under: agreement, ruleSets: rules, envelope: UUID(), grant: UUID())
        // then
        guard case .reserve(let claim) = step else {
            Issue.record("the request was not served: \(step)")
            return
        }
        #expect(claim.result.grantedCents == 30_000_000)
        #expect(claim.result.bindingRule == .experimentCeiling)
        #expect(claim.subject.purpose == .experiments)
        #expect(own.step(under: agreement, ruleSets: [], envelope: UUID(), grant: UUID()) == .wait(.ruleSet))
        #expect(own.step(under: agreement, ruleSets: rules, envelope: nil, grant: UUID()) == .wait(.envelope))
        for foreign in [
            request(siren: "180020026", call: agreement.call),
            request(siren: agreement.consortium.lead.siren, call: UUID()),
        ] {
            guard
                case .refuse(let refusal) = foreign.step(
                    under: agreement, ruleSets: rules, envelope: UUID(), grant: UUID())
            else {
                Issue.record("a request of somebody else was not refused")
                continue
            }
            #expect(refusal.reason == GrantRefusal.notTheBeneficiary)
        }
    }
}
