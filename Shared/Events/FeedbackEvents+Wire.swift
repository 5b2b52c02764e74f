// The types of which there is one for every response. Members stand in the order of their keys.

extension ResponseItem: WireWritable, WireReadable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("answeredAt", answeredAt)
            writer.member("digest", digest)
            writer.member("instrument", instrument)
            writer.member("instrumentVersion", instrumentVersion)
            writer.member("occasion", occasion)
            writer.member("participant", participant)
            writer.member("response", response)
            writer.member("state", state.rawValue)
            writer.member("valueSet", valueSet)
            writer.member("version", version)
        }
    }

    package init?(_ members: JSONMembers) {
        guard let response = members.uuid("response"), let version = members.integer("version"),
            let state = members.string("state").flatMap({ ResponseState(rawValue: $0) }),
            let instrument = members.string("instrument"), let instrumentVersion = members.string("instrumentVersion"),
            let occasion = members.string("occasion"), let participant = members.uuid("participant"),
            let answeredAt = members.instant("answeredAt"),
            let digest = members.optional("digest", JSONMembers.string),
            let valueSet = members.optional("valueSet", JSONMembers.string)
        else { return nil }
        self.init(
            response: response, version: Int(version), state: state, instrument: instrument,
            instrumentVersion: instrumentVersion, occasion: occasion, participant: participant, answeredAt: answeredAt,
            digest: digest, valueSet: valueSet)
    }
}

extension ResponseValues: WireWritable, WireReadable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("answers")
            writer.array(answers) { writer, answer in
                if let answer { writer.value(answer) } else { writer.null() }
            }
            writer.member("response", response)
            writer.member("salt", salt)
            if let scales {
                writer.key("scales")
                writer.object { writer in
                    for (scale, score) in scales.sorted(by: { $0.key < $1.key }) {
                        writer.key(scale)
                        writer.value(score)
                    }
                }
            }
            if let score { writer.member("score", score) }
            writer.member("version", version)
        }
    }

    package init?(_ members: JSONMembers) {
        guard members.value("scales") == nil, let response = members.uuid("response"),
            let version = members.integer("version"), let salt = members.string("salt"),
            let answers = members.integers("answers"), let score = members.optional("score", JSONMembers.integer)
        else { return nil }
        self.init(
            response: response, version: Int(version), salt: salt, score: score.map { Int($0) }, answers: answers)
    }
}

extension ResponsesRecorded: WireWritable, WireReadable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("experiment", experiment)
            writer.key("items")
            items.write(to: &writer)
            if let personal {
                writer.key("personal")
                personal.write(to: &writer)
            }
        }
    }

    package init?(_ members: JSONMembers) {
        guard let experiment = members.uuid("experiment"), let items = members.objects("items", ResponseItem.init),
            let personal = members.optional("personal", { members in { members.objects($0, ResponseValues.init) } })
        else { return nil }
        self.init(experiment: experiment, items: items, personal: personal)
    }
}

extension FeedbackSubmission.Receipt: WireWritable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("field", field)
            writer.member("id", id)
            writer.member("mend", mend)
            writer.member("outcome", outcome.rawValue)
            writer.member("reason", reason)
            writer.member("source", source)
        }
    }
}

extension FeedbackSubmission.Receipts: WireWritable {
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("publisher", publisher)
            writer.key("receipts")
            receipts.write(to: &writer)
        }
    }
}
