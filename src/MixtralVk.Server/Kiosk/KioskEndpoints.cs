namespace MixtralVk.Server.Kiosk;

/// <summary>What the visitor's page asks beside its questions.</summary>
internal sealed class KioskEndpoints(Guide guide)
{
    /// <summary>GET /kiosk/settings: what the page looks like.</summary>
    public Task SettingsAsync(HttpContext context) => context.Response.WriteAsJsonAsync(guide.Page, KioskJson.Default.KioskPage);

    /// <summary>GET /kiosk/logo.</summary>
    public async Task LogoAsync(HttpContext context)
    {
        context.Response.ContentType = Path.GetExtension(guide.Logo ?? "").ToLowerInvariant() switch
        {
            ".svg" => "image/svg+xml",
            ".png" => "image/png",
            ".jpg" or ".jpeg" => "image/jpeg",
            ".webp" => "image/webp",
            _ => null,
        };
        if (context.Response.ContentType is null) context.Response.StatusCode = StatusCodes.Status404NotFound;
        else await context.Response.SendFileAsync(guide.Logo!).ConfigureAwait(false);
    }
}
