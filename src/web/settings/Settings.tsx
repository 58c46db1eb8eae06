export default function Settings(_: { section?: string | undefined }) {
  return null;
}
