import HTTPDefaults
import Identity

extension MaillageContext {
    /// Who may read the programme and its evaluations.
    func requireProgrammeReader() throws(Problem) -> Principal {
        try require(.ministry, .operator, .decisionMaker, .committee, .siteManager)
    }
}
