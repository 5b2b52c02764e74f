import ApplicationsDomain
import FoundationEssentials
import HTTPDefaults
import Identifiers

/// A review as it is sent.
struct ReviewBody: Decodable {
    private enum CodingKeys: String, CodingKey { case conflictDeclared, organisationTies, scores, comment }
    private enum ConflictKeys: String, CodingKey { case reason }

    struct Points: Decodable {
        let impact: Int
        let quality: Int
        let economics: Int
        let network: Int
    }

    /// The reason of a declared conflict; nil for `"none"` or null.
    let conflict: String?
    let organisationTies: [String]?
    let scores: Points?
    let comment: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        conflict = try Self.conflict(in: container)
        organisationTies = try container.decodeIfPresent([String].self, forKey: .organisationTies)
        scores = try container.decodeIfPresent(Points.self, forKey: .scores)
        comment = try container.decodeIfPresent(String.self, forKey: .comment)
    }

    /// The declaration has to be sent: not to think of a conflict is not the same as to have none.
    private static func conflict(in container: KeyedDecodingContainer<CodingKeys>) throws -> String? {
        guard container.contains(.conflictDeclared) else {
            throw Problem.invalid("/conflictDeclared", expected: #""none" or an object with a reason"#)
        }
        if try container.decodeNil(forKey: .conflictDeclared) { return nil }
        if let text = try? container.decode(String.self, forKey: .conflictDeclared) {
            guard text == "none" else {
                throw Problem.invalid("/conflictDeclared", expected: #""none" or an object with a reason"#)
            }
            return nil
        }
        return try container.nestedContainer(keyedBy: ConflictKeys.self, forKey: .conflictDeclared)
            .decode(String.self, forKey: .reason)
    }

    func command(id: UUID, reviewer: ApplicationViewer) -> ReviewApplication {
        ReviewApplication(
            id: id, reviewer: Assessor(subject: reviewer.subject, organisation: reviewer.organisation),
            declaredConflict: conflict, organisationTies: (organisationTies ?? []).map(SIREN.withoutSpaces),
            opinion: (
                scores.map {
                    Scores(impact: $0.impact, quality: $0.quality, economics: $0.economics, network: $0.network)
                }, comment
            ))
    }
}
