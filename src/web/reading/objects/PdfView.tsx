/**
 * An encapsulated PDF in the browser's own viewer, which keeps it in a process of its own. It is given as a blob that we call
 * `application/pdf` whatever the header says, after a look at its first bytes, so nothing in it can run as a page of ours.
 */
import { Download } from 'lucide-react';
import { useEffect, useState } from 'react';
import { failureText, useText } from '../../text.ts';
import { bytesOf, fetchBulk, text, type Metadata } from '../viewer/loading/dicomweb.ts';

const DOCUMENT = '00420011';

async function documentOf(metadata: Metadata, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = (await bytesOf(metadata[DOCUMENT], (uri) => fetchBulk(uri, signal))) ?? new Uint8Array();
  // The header may stand behind a few bytes (ISO 32000 7.5.2, readers look at the first 1,024).
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  return head.includes('%PDF-') ? bytes : null;
}

export function PdfView({ metadata, title }: { metadata: Metadata; title: string }) {
  const { t } = useText();
  const [state, setState] = useState<{ url: string } | { failed: string } | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    let url = '';
    documentOf(metadata, controller.signal)
      .then((bytes) => {
        if (controller.signal.aborted) return;
        if (!bytes)
          return setState({ failed: t('objects.pdfNot', { type: text(metadata, '00420012') || '?' }) });
        url = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }));
        setState({ url });
      })
      .catch((error: unknown) => {
        if (!controller.signal.aborted) setState({ failed: failureText(t, error) });
      });
    return () => {
      controller.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [metadata]);
  if (!state) return <p className="stage-note">{t('objects.loading')}</p>;
  if ('failed' in state) return <p role="alert">{state.failed}</p>;
  return (
    <div className="pdf">
      <p>
        <a className="btn" href={state.url} download={`${title || 'document'}.pdf`}>
          <Download size={16} aria-hidden /> {t('objects.pdfSave')}
        </a>
      </p>
      {navigator.pdfViewerEnabled ? (
        <iframe title={title} src={state.url} referrerPolicy="no-referrer" />
      ) : (
        <p>{t('objects.pdfNoViewer')}</p>
      )}
    </div>
  );
}
