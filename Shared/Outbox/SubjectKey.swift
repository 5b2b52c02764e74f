import Events

/// What events are numbered in: a subject within a stream (the noun) of this service.
struct SubjectKey: Hashable, Sendable, Comparable {
    let stream: String
    let subject: String

    static func < (left: SubjectKey, right: SubjectKey) -> Bool {
        (left.stream, left.subject) < (right.stream, right.subject)
    }
}

extension NewEvent {
    var key: SubjectKey { SubjectKey(stream: type.noun, subject: subject) }
}
