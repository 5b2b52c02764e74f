import struct FoundationEssentials.Date

/// The ethics side approves how an experiment measures.
package struct ApproveProtocol: Sendable, Equatable {
    package let by: String
    package let version: Int
    package let qualification: LegalQualification
    /// Of the CPP's opinion or of the declaration of conformity.
    package let evidenceReference: String?
    package let consentScope: String
    package let windows: [MeasureWindow]
    package let milestones: [CollectionMilestone]

    package init(
        by: String, version: Int, legal: (qualification: LegalQualification, evidenceReference: String?),
        consentScope: String, measures: (windows: [MeasureWindow], milestones: [CollectionMilestone])
    ) {
        self.by = by
        self.version = version
        qualification = legal.qualification
        evidenceReference = legal.evidenceReference
        self.consentScope = consentScope
        windows = measures.windows
        milestones = measures.milestones
    }
}

extension Experiment {
    func approve(_ command: ApproveProtocol, at now: Date) throws(ExperimentationError) -> StudyProtocol {
        try require(.registered)
        guard command.by != registeredBy else { throw .separationOfDuties }
        let next = (approvedProtocol?.version ?? 0) + 1
        guard command.version == next else { throw .protocolVersionTaken(next: next) }
        try command.checkEvidence()
        _ = try ConsentScope(command.consentScope, field: "/consentScope")
        try command.checkWindows()
        try command.checkMilestones()
        return StudyProtocol(command, approvedAt: now)
    }
}

extension ApproveProtocol {
    fileprivate func checkEvidence() throws(ExperimentationError) {
        if let evidenceReference {
            try TextLimits.require(evidenceReference, "/evidenceReference", lengthMax: TextLimits.evidenceLengthMax)
        } else if qualification.needsEvidence {
            throw .evidenceRequired(qualification)
        }
    }

    fileprivate func checkWindows() throws(ExperimentationError) {
        guard (1...StudyProtocol.windowsCountMax).contains(windows.count) else {
            throw .invalidField("/windows", expected: "1 to \(StudyProtocol.windowsCountMax) windows")
        }
        var occasions: [Instrument: Set<String>] = [:]
        var versions: [Instrument: String] = [:]
        for (index, window) in windows.enumerated() {
            let field = "/windows/\(index)"
            try TextLimits.requireCode(
                window.instrument.rawValue, field + "/instrument", lengthMax: Instrument.nameLengthMax)
            try TextLimits.requireCode(window.instrumentVersion, field + "/instrumentVersion", lengthMax: 32)
            try TextLimits.requireCode(window.occasion, field + "/occasion", lengthMax: 32)
            guard (0..<MeasureWindow.dayMax).contains(window.opensDay) else {
                throw .invalidField(field + "/opensDay", expected: "a day from 0 to \(MeasureWindow.dayMax - 1)")
            }
            guard window.closesDay > window.opensDay, window.closesDay <= MeasureWindow.dayMax else {
                throw .invalidField(
                    field + "/closesDay", expected: "a day after opensDay, at most \(MeasureWindow.dayMax)")
            }
            guard occasions[window.instrument, default: []].insert(window.occasion).inserted else {
                throw .windowRepeated(index: index)
            }
            guard versions[window.instrument, default: window.instrumentVersion] == window.instrumentVersion else {
                throw .instrumentVersionsMixed(index: index)
            }
            versions[window.instrument] = window.instrumentVersion
        }
    }

    fileprivate func checkMilestones() throws(ExperimentationError) {
        guard milestones.count <= StudyProtocol.milestonesCountMax else {
            throw .invalidField("/milestones", expected: "at most \(StudyProtocol.milestonesCountMax) milestones")
        }
        var names: Set<String> = []
        var counts: Set<Int> = []
        for (index, milestone) in milestones.enumerated() {
            let field = "/milestones/\(index)"
            try TextLimits.requireCode(milestone.milestone, field + "/milestone", lengthMax: 64)
            guard (1...CollectionMilestone.responsesCountMax).contains(milestone.responsesCountMin) else {
                throw .invalidField(
                    field + "/responsesCountMin", expected: "1 to \(CollectionMilestone.responsesCountMax)")
            }
            guard names.insert(milestone.milestone).inserted,
                counts.insert(milestone.responsesCountMin).inserted
            else { throw .milestoneRepeated(index: index) }
        }
    }
}
