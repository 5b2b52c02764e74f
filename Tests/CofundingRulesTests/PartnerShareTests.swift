import CofundingRules
import Testing

@Suite struct PartnerShareTests {
    @Test(
        arguments: [
            (100, [1, 1, 1], [34, 33, 33]), (101, [1, 1, 1], [34, 34, 33]), (1, [1, 1], [1, 0]),
            (10, [1, 2, 3], [2, 3, 5]), (0, [0, 0], [0, 0]), (0, [1, 2], [0, 0]), (7, [0, 7, 0], [0, 7, 0]),
            (5, [0, 1, 1], [0, 3, 2]), (2, [3, 5, 3], [1, 1, 0]), (99, [33], [99]),
            (.max, [.max, .max], [4_611_686_018_427_387_904, 4_611_686_018_427_387_903]),
            (.max, [.max, 0, 1], [.max - 1, 0, 1]),
        ] as [(Int64, [Int64], [Int64])])
    func amountIsSplitByTheLargestRemainders(cents: Int64, weights: [Int64], shares: [Int64]) throws {
        #expect(try PartnerShares.split(cents, by: weights) == shares)
    }

    @Test func splitThatCannotBeMadeIsRefused() {
        #expect(throws: CofundingRulesError.negativeAmount(field: "cents")) { try PartnerShares.split(-1, by: [1]) }
        #expect(throws: CofundingRulesError.emptyInput(field: "weights")) { try PartnerShares.split(1, by: []) }
        #expect(throws: CofundingRulesError.negativeAmount(field: "weights/1")) {
            try PartnerShares.split(1, by: [1, -1])
        }
        #expect(throws: CofundingRulesError.invalidInput(field: "weights", expected: "one above 0")) {
            try PartnerShares.split(1, by: [0, 0])
        }
    }

    /// Sum exact; less than a cent from the exact share; and no share above its weight where the amount is not above
    /// the sum of the weights.
    @Test func twentyThousandRandomSplitsSumExactlyAndStayWithinOneCent() throws {
        var random = SeededGenerator(seed: 0x5061_7274_6E65_7273)
        for _ in 0..<20_000 {
            // given: amounts of every magnitude
            let scale = UInt64.random(in: 1...63, using: &random)
            let weights = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                Int.random(in: 0...5, using: &random) == 0 ? 0 : Int64(random.next() >> scale)
            }
            let total = weights.reduce(Int128(0)) { $0 + Int128($1) }
            guard total > 0 else { continue }
            let isReduction = Bool.random(using: &random)
            let most = isReduction ? Int64(clamping: total) : .max
            let cents = Int64.random(in: 0...most, using: &random)
            // when
            let shares = try PartnerShares.split(cents, by: weights)
            // then
            #expect(shares.reduce(Int128(0)) { $0 + Int128($1) } == Int128(cents))
            for (share, weight) in zip(shares, weights) {
                #expect((Int128(share) * total - Int128(cents) * Int128(weight)).magnitude < total.magnitude)
                if isReduction { #expect(share <= weight) }
            }
        }
    }
}
