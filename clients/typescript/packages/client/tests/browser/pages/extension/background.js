/* global chrome, fetch, URL */
// Does with a tab what its user does in the menu of the browser. The page asks by its title, after this script
// reported that it listens.

const PAGES = 'http://127.0.0.1/*';

chrome.tabs.onUpdated.addListener(async (tab, { status, title }) => {
  if (status === 'complete') await reportReady();
  if (title === 'duplicate this tab') await chrome.tabs.duplicate(tab);
  if (title === 'close and restore this tab') {
    // Without another tab the browser ends.
    await chrome.tabs.create({ url: 'about:blank' });
    const closed = new Promise((resolve) => chrome.sessions.onChanged.addListener(resolve));
    await chrome.tabs.remove(tab);
    await closed;
    await chrome.sessions.restore();
  }
});
// The browser may have loaded the page before it started this script.
void reportReady();

async function reportReady() {
  const [page] = await chrome.tabs.query({ url: PAGES });
  if (!page) return;
  const report = JSON.stringify({ page: 'extension', what: 'ready' });
  await fetch(new URL(`/report?report=${encodeURIComponent(report)}`, page.url));
}
