// How GraphiQL reaches the API. The one place to give it a transport for subscriptions.
import { createGraphiQLFetcher } from "@graphiql/toolkit";

/** What a proxy or a size limit answers is often not JSON: show what came, not that parsing it failed. */
async function fetchJson(url, init) {
  const response = await fetch(url, init);
  if (/[/+]json\b/.test(response.headers.get("content-type") ?? "")) {
    return response;
  }
  const text = (await response.text()).trim().slice(0, 500);
  const status = `${response.status} ${response.statusText}`.trim();
  return Response.json({ errors: [{ message: `The server answered ${status}, not JSON${text && `: ${text}`}` }] });
}

export function makeFetcher({ endpoint, headers }) {
  return createGraphiQLFetcher({
    url: endpoint,
    headers,
    fetch: fetchJson,
    enableIncrementalDelivery: false, // the API answers a query with one JSON body, never in parts
    // Subscriptions: pass `wsClient` (of graphql-ws, then a dependency) here, or wrap the returned fetcher for SSE.
  });
}
