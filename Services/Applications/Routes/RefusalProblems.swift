import ApplicationsDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import NIOCore
import Observability

extension ApplicationsError: ProblemConvertible {
    var problem: Problem {
        let explanation = explanation
        var problem = Problem(explanation.kind.status, explanation.slug, explanation.title, detail: detail)
            .mending(explanation.mend)
        if let field = explanation.field { problem = problem.at(field) }
        if self == .ruleSetNotKnown { problem = problem.retrying(after: 2) }
        return problem
    }

    private var detail: String? {
        switch self {
        case .invalidField(_, let expected): "expected \(expected)"
        case .callNotOpen(let opensAt): "the call opens at \(JSONFormat.text(opensAt))"
        case .callClosed(let graceUntil), .callStillOpen(let graceUntil):
            "the call's graceUntil is \(JSONFormat.text(graceUntil))"
        case .tooFewReviews(let count): "\(count) of \(Application.reviewCountMin) reviews are given"
        default: nil
        }
    }
}

extension ApplicationsError.Kind {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .invalid: .unprocessableContent
        case .conflict: .conflict
        case .forbidden: .forbidden
        }
    }
}

extension StoreRefusal: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notFound(let noun): .notFound(noun)
        case .versionMismatch(let current): .versionMismatch(current: current)
        }
    }
}

/// A problem that lists everything that is wrong with an application, not just the first field.
struct IncompleteProblem: Encodable {
    let type: String
    let title: String
    let status: Int
    let field: String?
    let mend: String
    let instance: String
    let findings: [Finding]
    let traceID: String?

    enum CodingKeys: String, CodingKey {
        case type, title, status, field, mend, instance, findings
        case traceID = "trace_id"
    }

    init(_ findings: [Finding], at path: String) {
        let explanation = ApplicationsError.incomplete(findings).explanation
        type = "/problems/\(explanation.slug)"
        title = explanation.title
        status = HTTPResponse.Status.unprocessableContent.code
        field = explanation.field
        mend = explanation.mend
        instance = path
        self.findings = findings
        traceID = TraceContext.current?.traceID
    }

    func response() throws -> Response {
        Response(
            status: .unprocessableContent,
            headers: [.contentType: "application/problem+json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONFormat.encode(self))))
    }
}
