// Runs before the first paint, so that a light office never flashes dark. A file of its own: the content security policy
// allows no inline script.
(() => {
  let theme = 'dark';
  try {
    theme = localStorage.getItem('negatoscope.theme') || 'dark';
  } catch {
    // Storage is switched off: dark.
  }
  if (theme === 'system') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme === 'light' ? 'light' : 'dark';
})();
