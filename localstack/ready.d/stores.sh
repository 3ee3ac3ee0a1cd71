#!/bin/sh
# LocalStack runs this once it is ready: it makes the buckets and the table of template.yaml.
set -eu

# Its image mounts this directory's parent; by hand, it runs where it lies.
here=/etc/localstack/ringhold
[ -d "$here" ] || here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# LocalStack's own Python has what is needed; elsewhere, the emulator's has it.
for python in "${RINGHOLD_PYTHON:-}" /opt/code/localstack/.venv/bin/python \
    "${RINGHOLD_CACHE:-$HOME/.cache/ringhold}/emulator/bin/python" python3; do
    if [ -n "$python" ] && command -v "$python" >/dev/null && "$python" -c 'import boto3, yaml' 2>/dev/null; then
        exec "$python" "$here/stores.py"
    fi
done
echo "no Python here has boto3 and yaml" >&2
exit 1
