import BankMessages
import FundingDomain
import ServiceRuntime

/// What an operator may set for this service alone.
enum FundingSettings {
    static let debtorName = SettingKey(
        "funding.debtor-name", .text(bytesMax: 140), about: "holder of the account that is paid from")
    static let debtorIBAN = SettingKey(
        "funding.debtor-iban", .text(bytesMax: 34), about: "the account that is paid from", isSecret: true)
    static let debtorBIC = SettingKey(
        "funding.debtor-bic", .text(bytesMax: 11), about: "its bank, where the bank asks for it")

    static let funderName = SettingKey(
        "funding.funder-name", .text(bytesMax: 256), about: "who grants, as the law's open data name it")
    static let funderSIRET = SettingKey(
        "funding.funder-siret", .text(bytesMax: 14), about: "the SIRET number of who grants")

    static let secondApprovalFrom = SettingKey(
        "funding.second-approval-from-euros", .count(1...1_000_000_000), default: "1000000", unit: "euros",
        about: "from this amount on two persons have to approve a payment")
    static let reminderInterval = SettingKey(
        "funding.reminder-interval", .duration(.seconds(1)...(.seconds(86_400))), default: "10m",
        about: "how often statements that are due are looked for")

    static let all = [
        debtorName, debtorIBAN, debtorBIC, funderName, funderSIRET, secondApprovalFrom, reminderInterval,
    ]

    /// Who grants; nil where it is not set: then rows lack it and say so.
    static func funder(_ settings: Settings) -> SubsidyFunder? {
        guard let name = settings.optionalText(funderName), let siret = settings.optionalText(funderSIRET) else {
            return nil
        }
        return SubsidyFunder(name: name, siret: siret)
    }

    /// The account that is paid from; nil where none is set, so that no files are made for the bank.
    static func debtor(_ settings: Settings) -> AccountHolder? {
        guard let name = settings.optionalText(debtorName), let iban = settings.optionalText(debtorIBAN) else {
            return nil
        }
        return AccountHolder(name: name, iban: iban, bic: settings.optionalText(debtorBIC))
    }
}
