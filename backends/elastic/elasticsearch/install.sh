#!/bin/sh
# Lay out the node below the folder that is given: its libraries, and the launcher, compiled.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
into=$(cd "$1" && pwd)/elasticsearch
for tool in mvn java javac; do
  command -v "$tool" >/dev/null || { echo "elasticsearch: not installed: $tool is missing"; exit 0; }
done
said=$(cat "$here/pom.xml" $(find "$here/launcher" -name '*.java' | sort) "$0" | cksum)
if [ "$(cat "$into/installed" 2>/dev/null)" = "$said" ]; then
  echo "elasticsearch: installed"
  exit 0
fi
rm -rf "$into"
mkdir -p "$into/lib" "$into/classes"
mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$into/lib" \
  || { echo "elasticsearch: not installed: Maven cannot fetch it"; exit 0; }
javac --release 17 -nowarn -d "$into/classes" -cp "$into/lib/*" $(find "$here/launcher" -name '*.java')
echo "$said" > "$into/installed"
echo "elasticsearch: installed"
