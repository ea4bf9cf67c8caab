/* global chrome */
// Does with a tab what its user does in the menu of the browser. The page asks by its title.

chrome.tabs.onUpdated.addListener(async (tab, { title }) => {
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
