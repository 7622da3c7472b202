# The desktop app (see docs/packaging.md), and tests that take longer than CI may.

UV := $(or $(wildcard .uv/bin/uv),uv)
NAME := AIImageClassifier
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' keras_detector/__init__.py)
ARCHIVE := $(NAME)-$(VERSION)-linux-$(shell uname -m)

# An environment of its own, without TensorFlow, so that none of it can slip in.
export UV_PROJECT_ENVIRONMENT := build/app-env

.PHONY: app app-archive icons environment hostile audit

# The program: dist/AIImageClassifier/.
app: environment
	$(UV) run --no-sync pyinstaller --noconfirm --distpath dist --workpath build/pyinstaller app.spec

# What one downloads on Linux, of the program that `make app` built: dist/AIImageClassifier-*.tar.xz.
app-archive:
	@test -x dist/$(NAME)/$(NAME) || { echo "error: no dist/$(NAME): run \`make app\` first"; exit 1; }
	rm -rf build/archive
	mkdir -p build/archive/$(ARCHIVE)
	cp -a dist/$(NAME) packaging/linux/install.sh packaging/linux/*.desktop packaging/linux/*.xml build/archive/$(ARCHIVE)
	cp packaging/icons/app.png build/archive/$(ARCHIVE)/org.keras_detector.$(NAME).png
	XZ_OPT="-6 -T0" tar -C build/archive --sort=name --owner=0 --group=0 --numeric-owner -cJf dist/$(ARCHIVE).tar.xz $(ARCHIVE)

# packaging/icons/, drawn anew.
icons: environment
	$(UV) run --no-sync python packaging/draw_icons.py

environment:
	$(UV) sync --frozen --no-install-project --extra gui --group app

# The hostile suite in full (SECURITY.md): 100,000 bad pictures, then the slow tests with the others.
hostile: UV_PROJECT_ENVIRONMENT := .venv
hostile:
	$(UV) run --all-extras --all-groups python -m tests.hostile.mutant_run 100000
	$(UV) run --all-extras --all-groups pytest tests/hostile -m "slow or not slow"

# Known holes in what is locked: every package must be found and looked up, a skipped one fails.
# Needs a route to PyPI's own JSON interface, which mirrors do not have.
audit:
	mkdir -p build
	$(UV) export --quiet --frozen --all-extras --all-groups --no-emit-project --output-file build/audited.txt
	$(UV) tool run pip-audit@2.10.1 --strict --disable-pip --progress-spinner off -r build/audited.txt
