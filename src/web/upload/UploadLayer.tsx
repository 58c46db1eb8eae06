export function UploadLayer() {
  return null;
}
