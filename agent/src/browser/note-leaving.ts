/**
 * Notes when this page is left: closed, loaded again, or gone from. A tab that the browser ends leaves no note.
 * @param home name of what the agent keeps in this browser
 * @returns whether the page was left the last time, as far as it can be told
 */
export function noteLeaving(home: string): boolean {
  const name = `${home}-left`;
  try {
    const left = localStorage.getItem(name) !== null;
    localStorage.removeItem(name);
    // The only storage that is written before the page is gone.
    addEventListener('pagehide', () => localStorage.setItem(name, 'left'));
    // Somebody went back to it, and it runs on.
    addEventListener('pageshow', () => localStorage.removeItem(name));
    return left;
  } catch {
    // Where nothing can be noted, nobody is accused.
    return true;
  }
}
