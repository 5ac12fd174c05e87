#!/bin/sh
# Install Microsoft's KQL parser and binder below the folder that is given.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v npm >/dev/null || { echo "kusto: not installed: npm is missing"; exit 0; }
mkdir -p "$1/kusto"
cp "$here/package.json" "$1/kusto/"
cd "$1/kusto"
npm install --no-package-lock --no-fund --no-audit --silent
echo "kusto: installed"
