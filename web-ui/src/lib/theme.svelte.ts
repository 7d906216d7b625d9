/**
 * Light or dark: as the system says, unless the person chose one; the choice is kept in this browser.
 */

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'wolfden-theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

class Look {
  theme = $state<Theme>(stored());

  apply(): void {
    document.documentElement.dataset.theme = this.theme;
  }

  /** The next of system, light, dark. */
  turn(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'system';
    try {
      localStorage.setItem(KEY, this.theme);
    } catch {
      // Storage is closed in some private windows: the choice then lasts as long as the page.
    }
    this.apply();
  }
}

function stored(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

export const look = new Look();

/** A person who asked for less motion gets none. */
export function motion(ms: number): number {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ms;
}
