import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox
import Postgres

/// Who takes part. The site's own codes are in this table and nowhere else.
struct ParticipantStore: Sendable {
    /// Sixty random bits meet once in a long while; more often than this is no accident.
    private static let pseudonymAttemptsMax = 3

    let experiments: ExperimentStore

    /// Enrols somebody under the experiment's lock, so that the arms stay in balance.
    func enrol(
        _ command: EnrolParticipant, target: CommandTarget, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> Participant {
        var record = try await experiments.lock(target.id, reach: target.reach, in: transaction)
        var attempt = 1
        while true {
            let participant = try record.experiment.enrol(
                command, id: UUID(), pseudonym: .random(), at: context.now)
            if try await insert(participant, by: context.actor, in: transaction) {
                record.experiment.admit(participant)
                try await saveArms(of: record.experiment, in: transaction)
                let event = context.event(participant.enrolled, about: participant.id)
                try await EventLog.append([event], in: transaction)
                return participant
            }
            let isKnown = try await isEnrolled(participant, in: transaction)
            guard !isKnown, attempt < Self.pseudonymAttemptsMax else { throw ExperimentationError.alreadyEnrolled }
            attempt += 1
        }
    }

    /// In the order of enrolment.
    func list(
        of experiment: UUID, after position: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [EnrolledParticipant] {
        try await session.query(
            """
            select position, id, external_code, arm, pseudonym, consent_scope, consent_version, consented_at,
                enrolled_at
            from participants where experiment = \(experiment) and position > \(position)
            order by position limit \(limit)
            """
        ).map(EnrolledParticipant.init(row:))
    }

    /// - Returns: false when the code or the pseudonym is there already.
    private func insert(
        _ participant: Participant, by actor: String, in session: some PostgresSession
    ) async throws -> Bool {
        let consent = participant.consent
        return try await session.query(
            """
            insert into participants (id, experiment, external_code, arm, pseudonym, consent_scope, consent_version,
                consented_at, enrolled_by, enrolled_at)
            values (\(participant.id), \(participant.experiment), \(participant.externalCode?.code),
                \(participant.arm.rawValue), \(participant.pseudonym.code), \(consent.scope), \(consent.version),
                \(consent.givenAt), \(actor), \(participant.enrolledAt))
            on conflict do nothing
            """
        ).affectedCount == 1
    }

    private func isEnrolled(_ participant: Participant, in session: some PostgresSession) async throws -> Bool {
        guard let code = participant.externalCode?.code else { return false }
        return try await !session.query(
            "select 1 from participants where experiment = \(participant.experiment) and external_code = \(code)"
        ).isEmpty
    }

    private func saveArms(of experiment: Experiment, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update experiments set intervention_count = \(experiment.arms.intervention),
                control_count = \(experiment.arms.control)
            where id = \(experiment.id)
            """)
    }
}

/// A participant as the site sees them.
struct EnrolledParticipant: Sendable {
    let position: Int64
    let id: UUID
    let externalCode: String?
    let arm: Arm
    let pseudonym: String
    let consent: Consent
    let enrolledAt: Date

    fileprivate init(row: PostgresRow) throws {
        position = try row.get("position")
        id = try row.get("id")
        externalCode = try row.get("external_code")
        arm = try row.get("arm")
        pseudonym = try row.get("pseudonym")
        consent = Consent(
            scope: try row.get("consent_scope"), version: try row.get("consent_version"),
            givenAt: try row.get("consented_at"))
        enrolledAt = try row.get("enrolled_at")
    }
}

extension Pseudonym {
    /// From the system's generator, which is cryptographically secure.
    fileprivate static func random() -> Pseudonym {
        Pseudonym(randomBytes: (0..<randomByteCount).map { _ in UInt8.random(in: .min ... .max) })
    }
}
