import { mount } from 'svelte';
import App from './App.svelte';
import './app.css';
import { look } from './lib/theme.svelte';

look.apply();

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no element with the id "app"');

export default mount(App, { target });
