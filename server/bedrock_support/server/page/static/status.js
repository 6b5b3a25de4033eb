// The page: pictures as server-sent events, decisions by their address.
import { old, show, tell, whenChosen } from "./view.js";

whenChosen(async (id) => tell(await (await fetch(`/status/decisions/${encodeURIComponent(id)}`)).json()));

const events = new EventSource("/status/events");
events.onmessage = (event) => show(JSON.parse(event.data));
events.onerror = () => {
  old("Not connected to the server: figures are old");
  // A refused stream is not tried again by the browser itself.
  if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
};
