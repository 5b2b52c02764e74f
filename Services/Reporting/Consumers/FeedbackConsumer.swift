import Events
import FoundationEssentials
import Inbox
import Postgres
import ReportingDomain

/// Responses, what became of them, and milestones.
enum FeedbackConsumer {
    static let handlers: [EventHandler] = [
        .batch(ResponsesRecorded.self) { events, transaction in
            let batches = try events.map { payload, event in
                try Batch(
                    received: ReceivedEvent(event, without: payload),
                    versions: versions(payload.items, values: payload.personal ?? [], in: payload.experiment))
            }
            try await record(batches, in: transaction)
        },
        .batch(ResponseAmended.self) { events, transaction in
            let batches = try events.map { payload, event in
                try Batch(
                    received: ReceivedEvent(event, without: payload),
                    versions: versions(
                        [payload.item], values: payload.personal.map { [$0] } ?? [], in: payload.experiment))
            }
            try await record(batches, in: transaction)
        },
        .batch(ResponseRetracted.self) { events, transaction in
            let batches = events.map { payload, event in
                Batch(
                    received: ReceivedEvent(event),
                    versions: versions([payload.item], values: [], in: payload.experiment))
            }
            try await record(batches, in: transaction)
            let responses = Set(events.map { payload, _ in payload.item.response })
            try await DeadLetterErasure.erase(Array(responses), from: ErasedResponses.types, in: transaction) {
                ErasedResponses.body($0, without: responses)
            }
        },
        .batch(ResponseExcluded.self) { events, transaction in
            let batches = events.map { payload, event in
                Batch(
                    received: ReceivedEvent(event),
                    versions: versions([payload.item], values: [], in: payload.experiment))
            }
            try await record(batches, in: transaction)
        },
        // Both are numbered in one stream of the experiment, so that the later of them holds.
        FactConsumer.handler(
            MilestoneLost.self, .milestone, key: { "\($0.experiment.figureText):\($0.milestone)" }
        ) { lost, fact in
            fact.experiment = lost.experiment
            fact.word = lost.milestone
            fact.target = lost.responsesCountMin
            fact.count = lost.responsesCount
            fact.time = lost.lostAt
            fact.reasons = [ProgrammeFact.milestoneLost]
        },
        FactConsumer.handler(
            MilestoneReached.self, .milestone, key: { "\($0.experiment.figureText):\($0.milestone)" }
        ) { reached, fact in
            fact.experiment = reached.experiment
            fact.word = reached.milestone
            fact.target = reached.responsesCountMin
            fact.count = reached.responsesCount
            fact.time = reached.reachedAt
        },
    ]

    private struct Batch {
        let received: ReceivedEvent
        let versions: [ResponseVersion]
    }

    private static func record(_ batches: [Batch], in transaction: PostgresTransaction) async throws {
        let positions = try await ReceivedStore.append(batches.map(\.received), in: transaction)
        try await ResponseStore.record(batches.flatMap(\.versions), in: transaction)
        let events = batches.flatMap { batch in
            Set(batch.versions.map(\.cell)).compactMap { cell in
                positions[batch.received.event.id].map { (cell: cell, position: $0) }
            }
        }
        try await ResponseStore.note(events, in: transaction)
    }

    private static func versions(
        _ items: [ResponseItem], values: [ResponseValues], in experiment: UUID
    ) -> [ResponseVersion] {
        // By id and version, since erasure may have taken some of them out.
        let scores = Dictionary(
            values.compactMap { value in
                value.score.map { (Key(response: value.response, version: value.version), $0) }
            }
        ) { first, _ in first }
        return items.map { item in
            ResponseVersion(
                response: item.response, version: item.version,
                cell: ResponseCell(experiment: experiment, instrument: item.instrument, occasion: item.occasion),
                isCounted: item.state == .valid, score: scores[Key(response: item.response, version: item.version)])
        }
    }

    private struct Key: Hashable {
        let response: UUID
        let version: Int
    }
}
