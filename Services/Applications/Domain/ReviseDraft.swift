import struct FoundationEssentials.Date

/// The owner replaces the working copy, before or between deposits.
package struct ReviseDraft: Sendable, Equatable {
    package let content: ApplicationContent
    package let call: Call

    package init(content: ApplicationContent, call: Call) {
        self.content = content
        self.call = call
    }
}

extension Application {
    func revise(_ command: ReviseDraft, at now: Date) throws(ApplicationsError) -> ApplicationContent {
        try require(.draft, .submitted)
        guard command.call.state(at: now) != .closed else { throw .callClosed(graceUntil: command.call.graceUntil) }
        try ContentLimits.check(command.content)
        return command.content
    }
}
