# Everything that is done with this repository, from a machine with a Swift toolchain on: `make demo`, `make test`.

CONFIGURATION ?= debug
INSTANCE ?= .local
# Without it a target could import what it does not declare, and the domains would not be pure.
CHECKED := --explicit-target-dependency-import-check error
SOURCES := Package.swift Services Shared Tests Benchmarks
PYTHON := PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=Tests/SystemTests /usr/bin/python3

# A folder for each configuration: in one they would undo each other's work.
SCRATCH := $(if $(filter release,$(CONFIGURATION)),.build-release,.build)

export MAILLAGE_BINARIES ?= $(CURDIR)/$(SCRATCH)/$(CONFIGURATION)

.DEFAULT_GOAL := help
.PHONY: help demo compose-demo test chaos hostile recovery lint contract bench up down status logs token publisher publishers build format clean image packages

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## the whole wave through a fresh system [KILL=funding|rabbitmq|…] [EVENTS=N] [KEEP=1]
	@deploy/local/demo.sh .local/demo

compose-demo: packages ## the same wave through docker-compose.yml [COMPOSE='docker compose'] [BUILD='docker build . --tag'] [SCALE='feedback=3 reporting=2']
	@deploy/local/compose-demo.sh .local/compose

test: ## all tiers, the system tests last
	@deploy/local/packages.sh test
	@$(PYTHON) -m tiers

chaos: build ## load and faults for MINUTES=10 by SEED=1, then everything compared with what was acknowledged [KEEP=1]
	@$(PYTHON) -u -m chaos --instance .local/chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10) $(if $(KEEP),--keep)

hostile: build ## a neighbour at 200/s beside a publisher that does what it can by SEED=1 [ROUNDS=5] [MALFORMED=20000]
	@$(PYTHON) -u -m hostile --instance .local/hostile --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),5) \
		--malformed $(or $(MALFORMED),20000) $(if $(KEEP),--keep)

recovery: build ## how long it takes after a broker's crash, and until another replica's relay takes over [ROUNDS=5]
	@$(PYTHON) -u -m recovery --instance .local/recovery --rounds $(or $(ROUNDS),5)

lint: packages ## format and the rules of the house
	swift format lint --strict --recursive $(wildcard $(SOURCES))
	swift test $(CHECKED) --filter 'ArchitectureTests|ContractTests'

contract: packages ## writes docs/asyncapi.yaml, its page and the golden files from Shared/Events
	MAILLAGE_WRITE_CONTRACT=1 swift test $(CHECKED) --filter ContractTests
	git --no-pager diff --stat docs/asyncapi.yaml docs/asyncapi.html Tests/Resources/events

bench: ## release build, each figure beside its baseline [ONLY=feedback-intake] [COUNT=100000] [ROUNDS=3] [STORED=10000000]
	@deploy/local/packages.sh bench
	swift build --configuration release --scratch-path .build-release $(CHECKED)
	@deploy/local/bench.sh .build-release/release/bench .local/bench $(if $(ONLY),--only $(ONLY)) \
		$(if $(COUNT),--count $(COUNT)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(STORED),--stored $(STORED))

up: build ## servers and services in the background
	@deploy/local/instance.sh up $(INSTANCE)
	@deploy/local/instance.sh status $(INSTANCE)
	@echo "make token ROLE=operator gives a bearer token, make logs follows, make down ends it"

down: ## ends what up and demo started, keeps the data of up
	@deploy/local/instance.sh remove .local/demo
	@deploy/local/instance.sh remove .local/chaos
	@deploy/local/instance.sh remove .local/hostile
	@deploy/local/instance.sh remove .local/recovery
	@deploy/local/instance.sh down $(INSTANCE)

status: ## what runs where
	@deploy/local/instance.sh status $(INSTANCE)

logs: ## follows the services' logs
	@deploy/local/services.sh logs $(INSTANCE)

token: ## a bearer token ROLE=operator[,…] [SUB=name] [ORG=SIREN]
	@$(PYTHON) -m driver.tokens --instance $(INSTANCE) --role "$(ROLE)" $(if $(SUB),--sub "$(SUB)") \
		$(if $(ORG),--organisation "$(ORG)")

publisher: ## the broker's address for an outside publisher NAME=telesuivi
	@$(PYTHON) -m driver.instance $(INSTANCE) "$(or $(NAME),telesuivi)"

publishers: ## who may send feedback ARGS='add NAME --organisation … --contact …' [list, rotate, retire, suspend, resume]
	@deploy/local/services.sh run feedback publishers $(ARGS) $(INSTANCE)

build: packages ## the services
	swift build --configuration $(CONFIGURATION) --scratch-path $(SCRATCH) $(CHECKED)

format: ## formats the sources in place
	swift format --in-place --recursive $(wildcard $(SOURCES))

clean: down ## removes what was built and the local data
	@deploy/local/instance.sh remove $(INSTANCE)
	rm -rf .build .build-release .local

image: ## one container image SERVICE=funding
	docker build --target $(SERVICE) --tag maillage-$(SERVICE) .

packages:
	@deploy/local/packages.sh
