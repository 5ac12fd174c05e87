// Microsoft's KQL parser and binder over standard input and output, one JSON value a line: first
// {"folder": where the package is installed, "tables": {name: "(column:type, …)"}}, then one query
// after the other. Each query is answered with the list of its errors and warnings.
"use strict";
const lines = require("readline").createInterface({ input: process.stdin });
let check = null;

lines.on("line", (line) => {
  const said = JSON.parse(line);
  if (check === null) {
    check = binder(said.folder, said.tables);
  } else {
    process.stdout.write(JSON.stringify(check(said)) + "\n");
  }
});

function binder(folder, schemas) {
  const load = require("module").createRequire(folder + "/package.json");
  load("@kusto/language-service-next/bridge.js");
  load("@kusto/language-service-next/Kusto.Language.Bridge.js");
  const K = globalThis.Kusto.Language;
  const tables = Object.entries(schemas).map(([name, schema]) =>
    K.Symbols.TableSymbol.From(schema).WithName(name),
  );
  const database = new K.Symbols.DatabaseSymbol.ctor("workspace", tables);
  const globals = K.GlobalState.Default.WithDatabase(database);
  return (text) => {
    const found = K.KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
    const all = Array.from({ length: found.Count }, (_, i) => found.getItem(i));
    return all
      .filter((one) => one.Severity === "Error" || one.Severity === "Warning")
      .map((one) => `${one.Severity} at ${one.Start}: ${one.Message}`);
  };
}
