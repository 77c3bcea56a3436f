// The page: reads the configuration that the server put into it, and starts GraphiQL.
import "./workers.js";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createLocalStorage } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";
import { examplesPlugin } from "./examples.jsx";
import { makeFetcher } from "./fetcher.js";

const config = JSON.parse(document.getElementById("tastegraph-graphiql").textContent);
const tabs = config.defaultTabs;

// A name space of our own: another project's GraphiQL on the same host and port must not leave its tabs here.
const storage = createLocalStorage({ namespace: "tastegraph" });
const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

const firstVisit = storage.getItem("graphiql:tabState") === null;

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={makeFetcher(config)}
    storage={storage}
    plugins={tabs.length > 0 ? [...plugins, examplesPlugin(tabs)] : plugins}
    defaultTabs={tabs.length > 0 ? tabs.map(({ query, variables }) => ({ query, variables })) : undefined}
    // GraphiQL shows the first default tab's query but not its variables.
    initialVariables={firstVisit ? tabs[0]?.variables : undefined}
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>{config.title}</GraphiQL.Logo>
  </GraphiQL>,
);
