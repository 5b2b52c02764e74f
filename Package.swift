// swift-tools-version: 6.2
//
// The manifest is the architecture: what a target may import is written here and nowhere else.
// Every build goes through `make`, which adds `--explicit-target-dependency-import-check error`.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// MARK: External products, one name each

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

// MARK: Helpers: every target of a kind is built alike

func shared(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Shared/\(name)", resources: resources, swiftSettings: settings)
}

/// A C library of Debian's, wrapped by the one target that may import it.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// What every service executable may import besides its own domain.
let serviceDependencies: [Target.Dependency] = [
    "Events", "HTTPDefaults", "Identity", "Inbox", "Migrations", "Observability", "Outbox", "Postgres",
    "ServiceRuntime", argumentParser, configuration, httpTypes, hummingbird, lifecycle, logging,
]

/// A service: a pure domain, an executable around it, and a test target for each.
func service(
    _ name: String,
    domain: [Target.Dependency] = [],
    also: [Target.Dependency] = [],
    resources: [Resource] = []
) -> [Target] {
    [
        .target(
            name: "\(name)Domain", dependencies: domain, path: "Services/\(name)/Domain", swiftSettings: settings),
        .executableTarget(
            name: name,
            dependencies: [.byName(name: "\(name)Domain")] + serviceDependencies + domain + also,
            path: "Services/\(name)",
            exclude: ["Domain"],
            resources: [.embedInCode("Store/Migrations"), .embedInCode("Routes/openapi.yaml")] + resources,
            swiftSettings: settings),
        .testTarget(
            name: "\(name)DomainTests",
            dependencies: [.byName(name: "\(name)Domain")] + domain,
            path: "Tests/\(name)DomainTests",
            swiftSettings: settings),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.byName(name: name), .byName(name: "\(name)Domain"), "TestSupport", hummingbirdTesting]
                + serviceDependencies + domain + also,
            path: "Tests/\(name)Tests",
            swiftSettings: settings),
    ]
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", swiftSettings: settings)
}

// MARK: The package

let sharedTargets: [Target] = [
    system("CLibPQ", pkgConfig: "libpq", apt: "libpq-dev"),
    system("CRabbitMQ", pkgConfig: "librabbitmq", apt: "librabbitmq-dev"),
    shared("ConnectionLoop"),
    shared("Postgres", ["CLibPQ", "ConnectionLoop", lifecycle, logging, metrics]),
    shared("Migrations", ["Postgres", crypto, logging]),
    shared("RabbitMQ", ["CRabbitMQ", "ConnectionLoop", deque, logging, metrics]),
    shared("Events"),
    shared(
        "Outbox",
        ["Events", "Migrations", "Observability", "Postgres", "RabbitMQ", deque, lifecycle, logging, metrics],
        resources: [.embedInCode("Migrations")]),
    shared(
        "Inbox",
        ["Events", "Migrations", "Observability", "Outbox", "Postgres", "RabbitMQ", lifecycle, logging, metrics],
        resources: [.embedInCode("Migrations")]),
    // libexpat reads XML in 180 kB; XMLCoder and the like need FoundationXML, and so the whole Foundation.
    system("CExpat", pkgConfig: "expat", apt: "libexpat1-dev"),
    shared("BankMessages", ["CExpat", "CofundingRules"]),
    shared("CofundingRules"),
    shared("StateAidWire", ["CofundingRules", "Events"]),
    shared("Identifiers"),
    shared("Identity", [crypto, jwtKit, logging]),
    shared(
        "HTTPDefaults",
        [
            "Events", "Identity", "Migrations", "Observability", "Postgres", coreMetrics, crypto, httpTypes,
            hummingbird, logging, nioCore,
        ],
        resources: [.embedInCode("Migrations")]),
    shared("Observability", [coreMetrics, hummingbird, httpTypes, logging, metrics, nioCore]),
    shared(
        "ServiceRuntime",
        [
            "Events", "HTTPDefaults", "Identity", "Inbox", "Migrations", "Observability", "Outbox", "Postgres",
            "RabbitMQ", argumentParser, asyncHTTPClient, configuration, hummingbird, hummingbirdCore, lifecycle,
            logging,
            nioCore, nioHTTP1, unixSignals,
        ]),
]

let services: [Target] =
    service("Applications", domain: ["CofundingRules", "Identifiers"], also: ["StateAidWire", crypto, nioCore])
    + service(
        "Funding", domain: ["CofundingRules", "Identifiers"], also: ["BankMessages", "StateAidWire", crypto, nioCore])
    + service("Experimentation", domain: ["CofundingRules"], also: ["StateAidWire"])
    + service(
        "Feedback", also: ["RabbitMQ", asyncHTTPClient, crypto, metrics, nioCore, nioHTTP1, unixSignals],
        resources: [.embedInCode("Pages/pages.css")])
    + service("Reporting", also: [metrics])

let testTargets: [Target] = [
    .target(
        name: "TestSupport",
        dependencies: [
            "Events", "HTTPDefaults", "Identity", "Inbox", "Migrations", "Observability", "Outbox", "Postgres",
            "RabbitMQ", "ServiceRuntime", httpTypes, hummingbird, jwtKit, logging, nioCore, yams,
        ],
        path: "Tests/TestSupport", swiftSettings: settings),
    tests("Architecture", ["Events", yams]),
    tests("BankMessages", ["BankMessages", "CofundingRules"]),
    tests("CofundingRules", ["CofundingRules"]),
    tests("ConnectionLoop", ["ConnectionLoop"]),
    tests("Identifiers", ["Identifiers"]),
    tests("Events", ["Events", "TestSupport"]),
    tests(
        "HTTPDefaults",
        [
            "HTTPDefaults", "Identity", "Observability", "Postgres", "TestSupport", coreMetrics, httpTypes, hummingbird,
            hummingbirdTesting, jwtKit, logging,
        ]),
    tests(
        "Inbox",
        ["Events", "Inbox", "Migrations", "Outbox", "Postgres", "RabbitMQ", "TestSupport", lifecycle, logging]),
    tests("Migrations", ["Migrations", "Postgres", "TestSupport", logging]),
    tests("Observability", ["Observability", coreMetrics, logging, metrics]),
    tests("Outbox", ["Events", "Migrations", "Outbox", "Postgres", "RabbitMQ", "TestSupport", lifecycle, logging]),
    tests("Postgres", ["Postgres", "TestSupport", lifecycle, logging]),
    tests("RabbitMQ", ["RabbitMQ", "ServiceRuntime", "TestSupport", logging]),
    tests(
        "Simulation", ["Events", "Inbox", "Migrations", "Outbox", "Postgres", "RabbitMQ", "TestSupport", logging]),
    tests(
        "ServiceRuntime",
        [
            "Events", "HTTPDefaults", "Identity", "Inbox", "Migrations", "Observability", "Outbox", "Postgres",
            "RabbitMQ", "ServiceRuntime", "TestSupport", argumentParser, asyncHTTPClient, configuration, httpTypes,
            hummingbird, lifecycle, logging, nioCore, nioHTTP1,
        ]),
]

let benchmarks: [Target] = [
    .executableTarget(
        name: "Bench",
        dependencies: [
            "Events", "Inbox", "Migrations", "Outbox", "Postgres", "RabbitMQ", argumentParser, asyncHTTPClient, logging,
            nioCore, nioHTTP1,
        ],
        path: "Benchmarks", exclude: ["peers"], swiftSettings: settings)
]

let package = Package(
    name: "maillage",
    platforms: [.macOS(.v26)],
    products: ["Applications", "Funding", "Experimentation", "Feedback", "Reporting"].map {
        .executable(name: $0.lowercased(), targets: [$0])
    } + [.executable(name: "bench", targets: ["Bench"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        // Without traits, here and below: what they add needs the whole Foundation, 45 MB of it in each program.
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    ],
    targets: sharedTargets + services + testTargets + benchmarks
)
