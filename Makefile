# Every target needs only Python 3.11 and make: `make install` builds .venv, once, and again when its inputs change.

PYTHON ?= python3
ARGS ?=
PIP_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OPENCLIP := .venv-openclip
# Scripts that write pages, from the code or from saved figures, with the option that does; all check them with --check.
PAGES := cli_help config_page json_page rest_page python_page components_page datasets_page models_page scale_plan \
         licences_page scenes_card budget_table finetuning_results+--pages estimate_results+--pages planted_defects+--pages embed_model+--card
WHERE := import sysconfig; print(sysconfig.get_path('purelib'))

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all test-openclip lint format docs guide readme wheel bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

install: $(STAMP) ## install Mirante and what develops it into .venv

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	touch $@

demo: $(STAMP) ## evaluate the embedded model, teach it Portuguese, report, open the page (ARGS=--no-serve: no page)
	$(BIN)/mirante demo $(ARGS)

test: $(STAMP) ## the fast tests, on every core (ARGS="-k word" narrows)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile $(ARGS)

test-all: $(STAMP) ## every test that needs no network and no GPU: slow, server and browser ones too
	$(BIN)/pytest -m "not network and not gpu" $(ARGS)

test-openclip: $(OPENCLIP)/.installed ## the tests of OpenCLIP checkpoints, in an environment of their own
	OMP_NUM_THREADS=1 PYTHONPATH=scripts $(OPENCLIP)/bin/python -m pytest -p torchvision_operators -rs -k openclip $(addprefix tests/encoders/test_,openclip.py encoder_contract.py hybrid_mistakes.py) $(ARGS)

# Over .venv's libraries: torchvision's wheel breaks transformers' CLIP wherever torch is of another build.
$(OPENCLIP)/.installed: $(STAMP)
	test -x $(OPENCLIP)/bin/python || $(BIN)/python -m venv $(OPENCLIP)
	echo "import site; site.addsitedir('$$($(CURDIR)/$(BIN)/python -c "$(WHERE)")')" > "$$($(OPENCLIP)/bin/python -c "$(WHERE)")/below.pth"
	$(OPENCLIP)/bin/python -m pip install --disable-pip-version-check $(PIP_FLAGS) --no-deps -c constraints.txt \
	    open_clip_torch timm torchvision ftfy wcwidth
	touch $@

lint: $(STAMP) ## style, types, layers, and that pages written from the code are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports
	@set -e; for page in $(foreach one,$(PAGES),$(firstword $(subst +, ,$(one)))); do \
	    echo "$(BIN)/python scripts/$$page.py --check"; $(BIN)/python scripts/$$page.py --check; done

format: $(STAMP) ## mend what can be mended by a tool
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## write the pages that come from the code, build the site in both languages into site/, check its links
	@set -e; for page in $(PAGES); do set -- $$(echo $$page | tr + ' '); name=$$1; shift; \
	    echo "$(BIN)/python scripts/$$name.py $$@"; $(BIN)/python scripts/$$name.py $$@; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file mkdocs.yml
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file mkdocs.pt-BR.yml
	$(BIN)/python scripts/check_site.py

guide: $(STAMP) ## run the guide's chapters as notebooks and compare what they print (ARGS=--write: put it into the pages)
	$(BIN)/python scripts/chapters.py $(ARGS)

readme: $(STAMP) ## run every command of the READMEs
	$(BIN)/python scripts/page_commands.py $(ARGS)

wheel: $(STAMP) ## build a wheel and check that it holds what the repository holds
	$(BIN)/python scripts/wheel_contents.py

bench: $(STAMP) ## run every benchmark, one after the other, into out/benchmarks (ARGS=--quick: small sizes)
	$(BIN)/python scripts/bench.py $(ARGS)

clean: ## remove what tools and runs left behind; .venv stays
	rm -rf build dist out runs screenshots site .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find src tests benchmarks scripts docs -name __pycache__ -type d -prune -exec rm -rf {} +
