// Starts keyreeve lsp for policies, worlds and cases.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const patterns = [
  "**/*.{key,iam,vpce,scp,rcp,boundary,session,trust,grants}.json",
  "**/policies/**/*.json",
  "**/world.{yaml,yml,json}",
  "**/*.cases",
  "**/*.cases.{yaml,yml,json}",
  "**/*.txtar",
  "**/.keyreeve-lint.yaml",
];

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("keyreeve").get("command");
  client = new LanguageClient("keyreeve", "keyreeve", { command, args: ["lsp"] }, {
    documentSelector: patterns.map((pattern) => ({ scheme: "file", pattern })),
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{json,yaml,yml,cases,txtar}") },
  });
  return client.start();
};

exports.deactivate = () => client && client.stop();
