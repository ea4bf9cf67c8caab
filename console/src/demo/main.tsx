// The page `/demo`.

// First, so that an invitation is out of the address before anything else runs.
import './model/invitation.js';
import { render } from 'preact';
import { App } from './model/app.js';
import { Page } from './view/page.js';
import '../ui/style.css';
import './view/demo.css';

const root = document.getElementById('app');
if (!root) throw new Error('the page has no element #app');
const app = new App();
render(<Page app={app} />, root);
void app.start();
