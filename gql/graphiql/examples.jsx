// A panel of the example queries by title. Tabs are kept in the browser once opened, so a closed example, or one that
// came with a later version, would otherwise never be seen again.
import { UnStyledButton, useGraphiQL, useGraphiQLActions } from "@graphiql/react";

function ExamplesIcon() {
  return (
    <svg height="1em" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M4 5h16M4 12h16M4 19h10" strokeLinecap="round" />
    </svg>
  );
}

function Examples({ examples }) {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(({ tabs, queryEditor, variableEditor }) => ({
    tabs,
    queryEditor,
    variableEditor,
  }));

  function open({ query, variables }) {
    const index = tabs.findIndex((tab) => tab.query === query);
    if (index >= 0) {
      changeTab(index);
      return;
    }
    addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(variables ?? "");
  }

  return (
    <section aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <ul className="tastegraph-examples">
        {examples.map((example, position) => (
          <li key={position}>
            <UnStyledButton type="button" onClick={() => open(example)}>
              {example.name}
            </UnStyledButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function examplesPlugin(examples) {
  return { title: "Examples", icon: ExamplesIcon, content: () => <Examples examples={examples} /> };
}
