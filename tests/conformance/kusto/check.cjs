// Reads {"tables": {name: "(column:type, …)"}, "queries": [text, …]} on standard input and writes,
// for each query, the list of errors and warnings of Microsoft's KQL parser and binder.
"use strict";
require("@kusto/language-service-next/bridge.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.js");
const K = globalThis.Kusto.Language;
const S = K.Symbols;

const said = JSON.parse(require("fs").readFileSync(0, "utf8"));
const tables = Object.entries(said.tables).map(([name, schema]) =>
  S.TableSymbol.From(schema).WithName(name),
);
const database = new S.DatabaseSymbol.ctor("workspace", tables);
const globals = K.GlobalState.Default.WithDatabase(database);

const answers = said.queries.map((text) => {
  const found = K.KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  const lines = [];
  for (let i = 0; i < found.Count; i++) {
    const one = found.getItem(i);
    if (one.Severity === "Error" || one.Severity === "Warning") {
      lines.push(`${one.Severity} at ${one.Start}: ${one.Message}`);
    }
  }
  return lines;
});
process.stdout.write(JSON.stringify(answers));
