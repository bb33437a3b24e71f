"""The demo: invented customers with real grants of the simulator, and a past of up to 89 days."""
