import ApplicationsDomain
import FoundationEssentials
import Postgres

extension Application {
    /// A row of `applications`.
    init(row: PostgresRow) throws {
        let content: PostgresJSON = try row.get("content")
        self.init(
            id: try row.get("id"), call: try row.get("call"),
            owner: ApplicationOwner(
                subject: try row.get("owner_subject"), organisation: try row.get("owner_organisation")),
            content: try content.decode(ApplicationContent.self), version: try row.get("version"))
        state = try row.get("state")
    }

    /// What other tables hold: last deposit, contact, eligibility, recommendation and decision, as far as they exist.
    mutating func add(parts row: PostgresRow) throws {
        deposit = try Deposit(row: row)
        if try row.get("contact", as: UUID?.self) != nil {
            content.contact = .init(name: try row.get("contact_name"), email: try row.get("contact_email"))
        }
        eligibility = try Eligibility(row: row)
        recommendation = try Recommendation(row: row)
        decision = try Decision(row: row)
    }
}

extension Deposit {
    fileprivate init?(row: PostgresRow) throws {
        guard let number = try row.get("number", as: Int?.self) else { return nil }
        let canonical: [UInt8] = try row.get("canonical")
        self.init(
            number: number, content: try JSONDecoder().decode(ApplicationContent.self, from: Data(canonical)),
            canonical: canonical, receipt: try row.get("receipt"), submittedAt: try row.get("submitted_at"))
    }
}

extension Eligibility {
    fileprivate init?(row: PostgresRow) throws {
        guard let reasons = try row.get("reasons", as: [String]?.self) else { return nil }
        self.init(
            reasons: reasons.compactMap(EligibilityReason.init), decidedBy: try row.get("eligibility_by"),
            decidedAt: try row.get("eligibility_at"))
    }
}

extension Recommendation {
    fileprivate init?(row: PostgresRow) throws {
        guard let outcome = try row.get("recommended_outcome", as: Outcome?.self) else { return nil }
        self.init(
            outcome: outcome, rank: try row.get("recommended_rank"),
            score: (try row.get("review_count"), try row.get("mean_score_hundredths")),
            by: try row.get("recommended_by"), at: try row.get("recommended_at"))
    }
}

extension Decision {
    fileprivate init?(row: PostgresRow) throws {
        guard let outcome = try row.get("decided_outcome", as: Outcome?.self) else { return nil }
        self.init(
            outcome: outcome, rank: try row.get("decided_rank"), reason: try row.get("decided_reason"),
            by: try row.get("decided_by"), at: try row.get("decided_at"))
    }
}

extension Review {
    /// A row of `reviews`.
    init(row: PostgresRow) throws {
        var scores: Scores?
        if let impact = try row.get("impact", as: Int?.self) {
            scores = Scores(
                impact: impact, quality: try row.get("quality"), economics: try row.get("economics"),
                network: try row.get("network"))
        }
        let command = ReviewApplication(
            id: try row.get("id"),
            reviewer: Assessor(subject: try row.get("reviewer"), organisation: try row.get("organisation")),
            declaredConflict: try row.get("declared_conflict"), organisationTies: try row.get("organisation_ties"),
            opinion: (scores, try row.get("comment")))
        self.init(command, givenAt: try row.get("given_at"))
    }
}
