import FoundationEssentials
import ReportingDomain
import Testing

@Suite("The programme's figures")
struct ProgrammeTests {
    private func programme(of facts: [ProgrammeFact], hidesSmallCells: Bool = false) -> Programme {
        Programme(facts: FactBook(facts), participants: [:], tallies: [:], hidesSmallCells: hidesSmallCells)
    }

    @Test func moneyIsShownInEveryStepAndByKind() {
        let money = programme(of: Controls.facts).money
        #expect(money.total.envelope.cents == 200_000_000 && money.animation.envelope.cents == 100_000_000)
        #expect(money.total.reserved.cents == 40_000_000 && money.experiments.reserved.cents == 10_000_000)
        #expect(money.total.committed.cents == 30_000_000 && money.experiments.committed.cents == 0)
        #expect(money.total.released.cents == 15_000_000 && money.total.paid.cents == 15_000_000)
        #expect(money.agreements.first?.tranches.map(\.state) == ["paid", "opened"])
    }

    @Test func whatIsAgreedOnForAnExperimentIsTheExperimentsAndWhatIsReleasedIsNobodysAnyMore() {
        // given: an agreement of an experiment, of which some is released, and a grant that was given back
        let own = UUID()
        func fact(_ kind: FactKind, _ cents: Int64, of kindOfMoney: MoneyKind? = nil) -> ProgrammeFact {
            Controls.fact(kind, UUID()) { fact in
                fact.agreement = own
                fact.moneyKind = kindOfMoney
                fact.amountCents = cents
            }
        }
        let facts = [
            fact(.experimentAgreementSigned, 10_000_000, of: .experiments), fact(.trancheReleased, 4_000_000),
            fact(.grantReleased, 1_000_000, of: .experiments),
        ]
        // when
        let money = programme(of: Controls.facts + facts).money
        // then
        #expect(money.experiments.committed.cents == 10_000_000 && money.experiments.released.cents == 4_000_000)
        #expect(money.animation.committed.cents == 30_000_000 && money.animation.released.cents == 15_000_000)
        #expect(money.total.reserved.cents == 39_000_000 && money.experiments.reserved.cents == 9_000_000)
    }

    @Test func aTrancheIsPaidWhenAllOfItIsAndOrderedWhileAPaymentOfItIs() {
        // given: one tranche of an agreement
        let (agreement, tranche) = (UUID(), UUID())
        func fact(_ kind: FactKind, _ key: UUID, _ cents: Int64 = 0) -> ProgrammeFact {
            Controls.fact(kind, key) { fact in
                fact.agreement = agreement
                fact.tranche = tranche
                fact.amountCents = cents
            }
        }
        let signed = Controls.fact(.agreementSigned, agreement) { $0.agreement = agreement }
        var facts = [signed, fact(.trancheOpened, tranche, 9_000), fact(.trancheReleased, tranche, 9_000)]
        func state() -> [String] {
            programme(of: facts).money.agreements.flatMap(\.tranches).map { "\($0.state) \($0.amountCents)" }
        }
        let (first, second) = (UUID(), UUID())
        // when, then: ordered, taken back, and of another amount by an amendment
        facts.append(fact(.paymentOrdered, first, 9_000))
        #expect(state() == ["ordered 9000"])
        facts.append(fact(.paymentEnded, first))
        #expect(state() == ["released 9000"])
        facts.append(fact(.trancheAdjusted, tranche, 8_000))
        #expect(state() == ["released 8000"])
        // when, then: paid to one, then to the other
        facts.append(fact(.paymentExecuted, second, 5_000))
        #expect(state() == ["ordered 8000"])
        facts.append(fact(.paymentExecuted, UUID(), 3_000))
        #expect(state() == ["paid 8000"])
    }

    @Test func everyApplicationIsInItsFurthestState() {
        let applications = programme(of: Controls.facts).applications
        #expect(applications.total.count == 3)
        #expect(
            applications.byState.filter { $0.value.count > 0 }.keys.sorted() == ["contracted", "ineligible", "reserve"])
        #expect(applications.ineligible.map(\.reasons) == [["lead-not-a-health-structure"]])
        #expect(applications.ineligible.first?.siren == "732829320")
        #expect(applications.reserveList.map(\.rank) == [2])
    }

    @Test func placesAreCountedAgainstTheTarget() {
        let places = programme(of: Controls.facts).places
        let counts = [places.target, places.funded, places.reserve, places.contracted, places.opened].map(\.count)
        #expect(counts == [30, 1, 1, 1, 1])
    }

    @Test(arguments: 1...50) func everyOrderAndRepetitionEndsInTheSameProgramme(seed: UInt64) {
        // given
        var generator = SeededGenerator(seed: seed)
        let expected = programme(of: Controls.facts)
        // when
        var facts = Controls.facts + Controls.facts.filter { _ in Bool.random(using: &generator) }
        facts.shuffle(using: &generator)
        // then
        #expect(programme(of: facts) == expected)
    }

    @Test func aFigureIsTheSumOfWhatItsEventsAdd() throws {
        // given
        let book = ProgrammeFigures.book(of: FactBook(Controls.facts))
        // when
        let paid = try #require(book.contributions(to: "paid:\(Controls.agreement.figureText)"))
        let ineligible = try #require(book.contributions(to: "applications:ineligible"))
        // then
        #expect(paid.map(\.value) == [15_000_000])
        #expect(paid.first?.event == Controls.fact(.paymentExecuted, Controls.tranches[0]).event)
        #expect(ineligible.map(\.event) == [Controls.fact(.eligibilityDecided, Controls.ineligible, sequence: 3).event])
        #expect(book.contributions(to: "paid:nobody") == nil)
    }

    @Test func experimentsAreKnownFromWhicheverEventCameFirst() {
        let started = Controls.facts.filter { $0.kind == .experimentStarted }
        let line = programme(of: started).experiments.first
        #expect(line?.state == "running" && line?.participantsTarget == nil)
        #expect(programme(of: Controls.facts).experiments.first?.cofunding.cents == 10_000_000)
    }

    @Test func anExperimentThatEndedBeforeItsTimeIsNeitherRunningNorCompleted() {
        // given
        let end = Controls.fact(.experimentTerminated, Controls.experiment) {
            $0.experiment = Controls.experiment
            $0.agreement = Controls.agreement
        }
        // when
        let line = programme(of: Controls.facts + [end]).experiments.first
        let alone = programme(of: [end]).experiments.first
        // then
        #expect(line?.state == "terminated" && line?.terminatedAt == Controls.start && line?.completedAt == nil)
        #expect(line?.startedAt == Controls.start && line?.cofunding.cents == 10_000_000)
        #expect(alone?.state == "terminated" && alone?.agreement == Controls.agreement.figureText)
    }
}

@Suite("Responses")
struct ResponseBookTests {
    private func book(of versions: [ResponseVersion]) -> ResponseBook {
        var book = ResponseBook()
        for version in versions { book.record(version) }
        return book
    }

    @Test(arguments: 1...30) func everyOrderAndRepetitionEndsInTheSameTallies(seed: UInt64) {
        // given
        var generator = SeededGenerator(seed: seed)
        let versions = Controls.versions(seed: seed, count: 60)
        // when
        var shuffled = versions + versions.filter { _ in Bool.random(using: &generator) }
        shuffled.shuffle(using: &generator)
        // then
        #expect(book(of: shuffled) == book(of: versions))
    }

    @Test(arguments: 1...30) func talliesAreThoseOfTheLastVersionsCountedAfresh(seed: UInt64) {
        // given
        let versions = Controls.versions(seed: seed, count: 60)
        let last = Dictionary(grouping: versions, by: \.response).values.compactMap { group in
            group.max { $0.version < $1.version }
        }
        // when
        let tallies = book(of: versions).tallies
        // then
        for cell in Set(last.map(\.cell)) {
            let counted = last.filter { $0.cell == cell && $0.isCounted }
            let scores = counted.compactMap(\.score)
            let tally = tallies[cell, default: ResponseTally()]
            #expect(tally.count == Int64(counted.count) && tally.scoredCount == Int64(scores.count))
            #expect(tally.scoreSum == Int64(scores.reduce(0, +)))
            guard cell.instrument == Scores.netPromoter else { continue }
            #expect(tally.promoterCount == Int64(scores.filter { $0 > 8 }.count))
            #expect(tally.detractorCount == Int64(scores.filter { $0 < 7 }.count))
        }
    }

    @Test(arguments: 1...30) func batchesChangeTheTalliesAsSingleVersionsDo(seed: UInt64) {
        // given
        var generator = SeededGenerator(seed: seed)
        var versions = Controls.versions(seed: seed, count: 40)
        versions.shuffle(using: &generator)
        var stored: [UUID: ResponseVersion] = [:]
        var tallies: [ResponseCell: ResponseTally] = [:]
        // when
        var rest = versions[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Int.random(in: 1...15, using: &generator)))
            rest = rest.dropFirst(batch.count)
            let changes = ResponseBook.changes(by: batch, over: batch.compactMap { stored[$0.response] })
            for version in changes.stored { stored[version.response] = version }
            for (cell, change) in changes.tallies { tallies[cell] = tallies[cell, default: ResponseTally()] + change }
        }
        // then
        #expect(tallies.filter { $0.value != ResponseTally() } == book(of: versions).tallies)
    }
}

@Suite("Exact means")
struct ScoresTests {
    /// Published series with the mean 80.21 (962.5 / 12), in tenths.
    @Test func theMeanOfThePublishedSeriesIsThePublishedOne() {
        let series: [Int64] = [875, 875, 900, 825, 750, 775, 600, 900, 850, 750, 800, 725]
        let tally = ResponseTally(count: 12, scoredCount: 12, scoreSum: series.reduce(0, +))
        #expect(Scores.mean(tally, instrument: "SUS") == "80.21")
    }

    /// domain: D1 Pa2 P3 of six answers gives 1/3; the single answers 0, 10 and 7 give -1, 1 and 0.
    @Test(arguments: [
        ([0, 7, 7, 9, 9, 9], "33.33"), ([0], "-100.00"), ([10], "100.00"), ([7], "0.00"), ([0, 7, 9], "0.00"),
        ([6], "-100.00"), ([8], "0.00"), ([9], "100.00"),
    ])
    func netScoresAreThePublishedOnes(answers: [Int], expected: String) {
        // given
        let cell = ResponseCell(experiment: Controls.experiment, instrument: "NPS", occasion: "M3")
        var book = ResponseBook()
        // when
        for (index, answer) in answers.enumerated() {
            book.record(
                ResponseVersion(
                    response: Controls.id(UInt8(index)), version: 1, cell: cell, isCounted: true, score: answer))
        }
        // then
        #expect(book.tallies[cell].flatMap { Scores.netScore($0, instrument: "NPS") } == expected)
    }

    @Test func halvesAreRoundedAwayFromZero() {
        #expect(Scores.ratio(1, to: 8) == "0.13")
        #expect(Scores.ratio(-1, to: 8) == "-0.13")
        #expect(Scores.ratio(-1, to: 1000) == "0.00")
        #expect(Scores.ratio(5, to: 1000) == "0.01")
        #expect(Scores.ratio(200, to: 3) == "66.67")
        #expect(Scores.ratio(1, to: 0) == nil)
    }

    @Test(arguments: [(Int64(10), true), (11, false)])
    func cellsOfFewerThanElevenAreHiddenFromMostReaders(count: Int64, isHidden: Bool) {
        let cell = ResponseCell(experiment: Controls.experiment, instrument: "SUS", occasion: "M3")
        let tally = ResponseTally(count: count, scoredCount: count, scoreSum: 500 * count)
        let line = ResponseLine(cell: cell, tally: tally, hidesSmallCells: true)
        #expect(line.isHidden == isHidden && (line.n == nil) == isHidden && (line.mean == nil) == isHidden)
        #expect(ResponseLine(cell: cell, tally: tally, hidesSmallCells: false).n == count)
    }
}
