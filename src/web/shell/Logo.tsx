/** The light box: a lit plate with one dark film on it. */
export function Logo({ compact = false }: { compact?: boolean }) {
  return (
    <span className="logo">
      <i aria-hidden="true" />
      <span className={compact ? 'visually-hidden' : undefined}>Negatoscope</span>
    </span>
  );
}
