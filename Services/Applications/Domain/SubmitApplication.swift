import struct FoundationEssentials.Date

/// The owner hands the working copy in.
package struct SubmitApplication: Sendable {
    package let call: Call
    package let estimate: GrantEstimate
    /// SHA-256 in lower-case hexadecimal; given, because the domain holds no cryptography.
    package let digest: @Sendable ([UInt8]) -> String

    package init(call: Call, estimate: GrantEstimate, digest: @escaping @Sendable ([UInt8]) -> String) {
        self.call = call
        self.estimate = estimate
        self.digest = digest
    }
}

extension Application {
    func submit(_ command: SubmitApplication, at now: Date) throws(ApplicationsError) -> Deposit {
        try require(.draft, .submitted)
        try command.call.admitDeposit(at: now)
        let findings = Completeness(
            content, owner: owner, callState: command.call.state(at: now), estimate: command.estimate
        ).findings
        guard !findings.contains(where: \.isError) else { throw .incomplete(findings) }
        guard hasUndepositedChanges else { throw .alreadySubmitted }
        let canonical = CanonicalContent.bytes(content, application: id, call: call)
        return Deposit(
            number: (deposit?.number ?? 0) + 1, content: content.withoutContact, canonical: canonical,
            receipt: command.digest(canonical), submittedAt: now)
    }
}
